/** The whole product at a path, on a server of the test's. */
import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { cleanup, render } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { build, type Product, ProductContext } from "~/product.ts";
import { routerFor } from "~/routes/table.tsx";
import type { Neighbours } from "~/session/neighbours.ts";
import type { Word } from "~/session/session.ts";
import type { Server } from "./server.ts";

/** A browser with one tab. */
const ALONE: Neighbours<Word> = { tell: () => {}, listen: () => {}, inTurn: (work) => work() };

const opened: { product: Product; server: Server }[] = [];

export function open(path: string, server: Server) {
  const product = build(server.fetch, ALONE);
  opened.push({ product, server });
  const router = routerFor(product, createMemoryHistory({ initialEntries: [path] }));
  product.session.subscribe(() => void router.invalidate());
  render(
    <ProductContext value={product}>
      <QueryClientProvider client={product.queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </ProductContext>,
  );
  const where = () => router.state.location.href;
  return { ada: userEvent.setup(), product, router, where };
}

/** Close every page, end what it began, and forget what the browser keeps. */
export async function closeAll(): Promise<void> {
  cleanup();
  for (const { product, server } of opened.splice(0)) {
    server.isAway = false;
    server.on("POST /api/auth/logout", () => new Response(null, { status: 204 }));
    await product.session.end();
  }
  localStorage.clear();
  sessionStorage.clear();
  delete document.documentElement.dataset.appearance;
}
