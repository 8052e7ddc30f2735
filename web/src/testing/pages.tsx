/** The whole product at a path, on a server of the test's. */
import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { cleanup, render } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { build, ProductContext } from "~/product.ts";
import { routerFor } from "~/routes/table.tsx";
import type { Server } from "./server.ts";

export function open(path: string, server: Server) {
  const product = build(server.fetch);
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

/** Close every page and forget what the browser keeps. */
export function closeAll(): void {
  cleanup();
  localStorage.clear();
  sessionStorage.clear();
  delete document.documentElement.dataset.appearance;
}
