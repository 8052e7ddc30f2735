/** Which path shows which page. Every page is fetched when it is first gone to, or pointed at. */
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  type RouterHistory,
  redirect,
} from "@tanstack/react-router";
import type { Product } from "~/product.ts";
import { Failure, WholeFailure } from "~/shell/failure.tsx";
import { EntranceFrame, Frame, ProductFrame, WaitingFrame } from "~/shell/frames.tsx";
import { NotFound, NowhereFound } from "~/shell/not-found.tsx";
import { Waiting } from "~/shell/waiting.tsx";
import { everybody, operatorsOnly, signedInOnly, strangersOnly } from "./guards.ts";
import { lazyPage } from "./lazy-page.tsx";
import { only, parseSearch, stringifySearch } from "./search.ts";

const root = createRootRouteWithContext<Product>()({
  component: Frame,
  notFoundComponent: NowhereFound,
  errorComponent: WholeFailure,
});

/* The frames around the pages. */
const entrance = createRoute({
  getParentRoute: () => root,
  id: "entrance",
  component: EntranceFrame,
  errorComponent: WholeFailure,
});
const shared = createRoute({
  getParentRoute: () => root,
  id: "shared",
  component: ProductFrame,
  pendingComponent: WaitingFrame,
  errorComponent: WholeFailure,
  notFoundComponent: NotFound,
  beforeLoad: everybody,
});
const own = createRoute({
  getParentRoute: () => root,
  id: "own",
  component: ProductFrame,
  pendingComponent: WaitingFrame,
  errorComponent: WholeFailure,
  notFoundComponent: NotFound,
  beforeLoad: signedInOnly,
});

/* Getting in. */
const login = createRoute({
  getParentRoute: () => entrance,
  path: "/login",
  validateSearch: only("next", "email"),
  beforeLoad: strangersOnly,
  component: lazyPage(() => import("~/entrance/login.tsx"), "Login"),
});
const signup = createRoute({
  getParentRoute: () => entrance,
  path: "/signup",
  validateSearch: only("next", "email"),
  beforeLoad: strangersOnly,
  component: lazyPage(() => import("~/entrance/signup.tsx"), "SignUp"),
});
const forgot = createRoute({
  getParentRoute: () => entrance,
  path: "/forgot",
  validateSearch: only("email"),
  component: lazyPage(() => import("~/entrance/forgot.tsx"), "Forgot"),
});
const reset = createRoute({
  getParentRoute: () => entrance,
  path: "/reset",
  validateSearch: only("token"),
  component: lazyPage(() => import("~/entrance/reset.tsx"), "Reset"),
});
const claim = createRoute({
  getParentRoute: () => entrance,
  path: "/claim",
  validateSearch: only("token"),
  component: lazyPage(() => import("~/entrance/claim.tsx"), "Claim"),
});
const verify = createRoute({
  getParentRoute: () => entrance,
  path: "/verify",
  validateSearch: only("token"),
  beforeLoad: everybody,
  component: lazyPage(() => import("~/entrance/verify.tsx"), "Verify"),
});

/* For strangers too. */
const credits = createRoute({
  getParentRoute: () => shared,
  path: "/credits",
  validateSearch: only("cancelled", "managed"),
  component: lazyPage(() => import("~/credits/credits.tsx"), "Credits"),
});
const success = createRoute({
  getParentRoute: () => shared,
  path: "/dashboard/credits/success",
  validateSearch: only("session_id"),
  component: lazyPage(() => import("~/credits/success.tsx"), "Success"),
});

/* For whoever is signed in. */
const dashboard = createRoute({
  getParentRoute: () => own,
  path: "/dashboard",
  validateSearch: only("task", "q", "show", "agent", "after", "before"),
  component: lazyPage(() => import("~/tasks/dashboard.tsx"), "Dashboard"),
});
const transactions = createRoute({
  getParentRoute: () => own,
  path: "/transactions",
  validateSearch: only("kind", "from", "to", "trace"),
  component: lazyPage(() => import("~/transactions/transactions.tsx"), "Transactions"),
});
const settings = createRoute({
  getParentRoute: () => own,
  path: "/settings",
  component: lazyPage(() => import("~/settings/settings.tsx"), "Settings"),
});
const example = createRoute({
  getParentRoute: () => own,
  path: "/example-ai",
  component: lazyPage(() => import("~/example/example-ai.tsx"), "ExampleAi"),
});

/* For operators. */
const admin = createRoute({
  getParentRoute: () => own,
  path: "/admin",
  notFoundComponent: NotFound,
  beforeLoad: operatorsOnly,
  component: lazyPage(() => import("~/admin/frame.tsx"), "AdminFrame"),
});
const adminPages = [
  createRoute({
    getParentRoute: () => admin,
    path: "/",
    component: lazyPage(() => import("~/admin/health.tsx"), "Health"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "/tasks",
    validateSearch: only("status", "user", "run"),
    component: lazyPage(() => import("~/admin/tasks.tsx"), "AdminTasks"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "/users",
    validateSearch: only("q", "user"),
    component: lazyPage(() => import("~/admin/users.tsx"), "AdminUsers"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "/payments",
    validateSearch: only("status", "q"),
    component: lazyPage(() => import("~/admin/payments.tsx"), "AdminPayments"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "/refunds",
    validateSearch: only("status"),
    component: lazyPage(() => import("~/admin/refunds.tsx"), "AdminRefunds"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "/prices",
    component: lazyPage(() => import("~/admin/prices.tsx"), "AdminPrices"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "/events",
    validateSearch: only("service", "event"),
    component: lazyPage(() => import("~/admin/events.tsx"), "AdminEvents"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "/mails",
    validateSearch: only("state", "user"),
    component: lazyPage(() => import("~/admin/mails.tsx"), "AdminMails"),
  }),
  createRoute({
    getParentRoute: () => admin,
    path: "/books",
    component: lazyPage(() => import("~/admin/books.tsx"), "AdminBooks"),
  }),
] as const;

/* Other names of the same pages. */
function alias(path: string, to: string) {
  return createRoute({
    getParentRoute: () => root,
    path,
    beforeLoad: ({ location }) => {
      throw redirect({ href: to + location.searchStr, replace: true });
    },
  });
}
const aliases = [
  alias("/", "/dashboard"),
  alias("/sign-in", "/login"),
  alias("/sign-up", "/signup"),
  alias("/auth/signin", "/login"),
  alias("/auth/signup", "/signup"),
  alias("/dashboard/credits/purchase", "/credits"),
];

const tree = root.addChildren([
  entrance.addChildren([login, signup, forgot, reset, claim, verify]),
  shared.addChildren([credits, success]),
  own.addChildren([dashboard, transactions, settings, example, admin.addChildren(adminPages)]),
  ...aliases,
]);

export function routerFor(product: Product, history?: RouterHistory) {
  return createRouter({
    history,
    routeTree: tree,
    context: product,
    defaultPreload: "intent",
    defaultPreloadDelay: 60,
    defaultPendingMs: 300,
    defaultPendingMinMs: 200,
    defaultPendingComponent: Waiting,
    defaultErrorComponent: Failure,
    scrollRestoration: true,
    parseSearch,
    stringifySearch,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof routerFor>;
  }
}
