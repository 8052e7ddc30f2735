/** The entry: the product is put together, and its pages are shown. */
import { QueryClientProvider } from "@tanstack/react-query";
import { type AsyncRouteComponent, RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { build, ProductContext } from "./product.ts";
import { routerFor } from "./routes/table.tsx";
import { neighboursBy } from "./session/neighbours.ts";
import { reloadForNewBuilds } from "./shell/new-builds.ts";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no root");

const product = build((request) => fetch(request), neighboursBy("session"));
const router = routerFor(product);
product.session.subscribe(() => void router.invalidate());
reloadForNewBuilds();
fetchPage();

/** The page's own code is fetched while it is found out who is there. */
function fetchPage(): void {
  const matches: { routeId: keyof typeof router.routesById }[] = router.matchRoutes(
    router.latestLocation,
  );
  for (const { routeId } of matches) {
    const component = router.routesById[routeId].options.component as AsyncRouteComponent<unknown>;
    component?.preload?.()?.catch(() => undefined); // the router asks again, and shows why
  }
}

createRoot(root).render(
  <StrictMode>
    <ProductContext value={product}>
      <QueryClientProvider client={product.queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </ProductContext>
  </StrictMode>,
);
