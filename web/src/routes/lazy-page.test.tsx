import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { cleanup, render, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { Unreachable } from "~/api/problems.ts";
import { Failure } from "~/shell/failure.tsx";
import { lazyPage } from "./lazy-page.tsx";

afterEach(cleanup);

const GONE = new TypeError("Failed to fetch dynamically imported module: /assets/far.js");
const CODE = { Far: () => <h1>Far away</h1> };

function openFar(fetchCode: () => Promise<typeof CODE>) {
  const root = createRootRoute();
  const far = createRoute({
    getParentRoute: () => root,
    path: "/far",
    component: lazyPage(fetchCode, "Far"),
  });
  const router = createRouter({
    routeTree: root.addChildren([far]),
    history: createMemoryHistory({ initialEntries: ["/far"] }),
    defaultErrorComponent: Failure,
  });
  render(<RouterProvider router={router} />);
}

test("a page whose code does not come is an outage, and there when it comes", async () => {
  const fetchCode = vi.fn(() => Promise.resolve(CODE)).mockRejectedValueOnce(GONE);
  openFar(fetchCode);

  expect(await screen.findByText("ImpacterAGI cannot be reached")).toBeDefined();
  window.dispatchEvent(new Event("online"));

  expect(await screen.findByRole("heading", { name: "Far away" })).toBeDefined();
  expect(fetchCode).toHaveBeenCalledTimes(2);
});

test("another try by hand shows it too", async () => {
  openFar(vi.fn(() => Promise.resolve(CODE)).mockRejectedValueOnce(GONE));

  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));

  expect(await screen.findByRole("heading", { name: "Far away" })).toBeDefined();
});

test("code that came is not fetched again, and what is broken in it is no outage", async () => {
  const whole = vi.fn(() => Promise.resolve(CODE));
  const page = lazyPage(whole, "Far");
  await page.preload();
  await page.preload();
  expect(whole).toHaveBeenCalledTimes(1);

  const broken = new TypeError("undefined is not a function");
  await expect(lazyPage(() => Promise.reject(broken), "Far").preload()).rejects.toBe(broken);
  const lost = lazyPage(() => Promise.reject(GONE), "Far").preload();
  await expect(lost).rejects.toBeInstanceOf(Unreachable);
});
