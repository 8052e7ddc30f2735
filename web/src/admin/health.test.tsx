import { screen, within } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { closeAll, open } from "~/testing/pages.tsx";
import { adasServer } from "~/testing/server.ts";

afterEach(closeAll);

const SERVICE = { status: "ready", dependencies: { database: "ok" }, outbox: 0, queue: 0 };
const RUN = {
  task_id: "task_1",
  description: "Research the moon",
  executor: "human",
  state: "waiting",
  hold_amount: 300,
  lease_until: null,
  deadline_at: "2999-01-01T00:00:00Z",
};
const LATE = { ...RUN, task_id: "task_2", description: "Say hello", executor: "demo" };
const COMPARISON = {
  scope: "recent",
  began_at: "2026-11-27T10:15:00Z",
  finished_at: "2026-11-27T10:15:20Z",
  seen: {},
  drift: 0,
  repaired: 0,
  open: [],
  flaw: null,
};

function server() {
  return adasServer({ isAdmin: true })
    .on("GET /health/ready", () => ({
      status: "ready",
      services: {
        auth: { ...SERVICE, parked: {} },
        billing: { ...SERVICE, parked: { parked: 2 } },
      },
    }))
    .on("GET /api/admin/runs", ({ search }) => ({
      runs:
        search.get("state") === "waiting"
          ? [RUN]
          : [{ ...LATE, lease_until: "2026-01-01T00:00:00Z" }],
      next_cursor: null,
    }))
    .on("GET /api/admin/books", () => ({
      sections: {
        ledger: {
          state: "well",
          checked_at: null,
          facts: { open_holds: 2, held_credits: 600 },
          open: [],
        },
      },
      days: [],
    }))
    .on("GET /api/admin/reconciliations", () => ({
      reconciliations: [COMPARISON],
      next_cursor: null,
    }));
}

test("a service with parked events is not simply ready", async () => {
  open("/admin", server());

  await screen.findByText("billing");
  const lines = screen.getAllByRole("listitem");
  const of = (name: string) => lines.find((line) => within(line).queryByText(name) !== null);
  expect(of("auth")?.textContent).not.toContain("events parked");
  expect(of("billing")?.textContent).toContain("Ready, events parked");
});

test("what is set aside, what is stuck and the last comparison are on the page of health", async () => {
  open("/admin", server());

  expect(await screen.findByText("600 credits in 2 holds")).toBeDefined();
  const stuck = screen.getByRole("link", { name: "Say hello" });
  expect(stuck.getAttribute("href")).toBe("/admin/tasks?run=task_2");
  expect(screen.queryByRole("link", { name: "Research the moon" })).toBeNull();
  expect(screen.getByRole("link", { name: "1" }).getAttribute("href")).toContain("status=queued");
  expect(await screen.findByText("well")).toBeDefined();
});
