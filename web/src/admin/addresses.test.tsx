import { screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { closeAll, open } from "~/testing/pages.tsx";
import { adasServer, problem } from "~/testing/server.ts";

afterEach(closeAll);

function mistaken(place: string) {
  return () => problem(422, "invalid", `The request is not valid: ${place}.`);
}

test.each([
  ["/admin/tasks?status=nonsense", "GET /api/admin/tasks", "tasks", "There is no such task"],
  ["/admin/payments?status=x", "GET /api/admin/payments", "payments", "There is no such payment"],
  ["/admin/mails?state=nonsense", "GET /api/admin/messages", "messages", "There is no such mail"],
])("a state that is none filters nothing at %s", async (path, route, name, nothing) => {
  const empty = () => ({ [name]: [], next_cursor: null });
  const server = adasServer({ isAdmin: true }).on(route, empty);
  open(path, server);

  await screen.findByText(nothing);
  const [asked] = server.to(route);
  expect([asked?.search.get("status"), asked?.search.get("state")]).toEqual([null, null]);
});

test("of a user that cannot be there nothing is there, and there is nothing to try again", async () => {
  const server = adasServer({ isAdmin: true })
    .on("GET /api/admin/tasks", mistaken("query.user_id"))
    .on("GET /api/admin/users/nobody", mistaken("path.user_id"));
  open("/admin/tasks?user=nobody", server);

  expect(await screen.findByText("There is no such task")).toBeDefined();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a user and an event that are not there are said not to be", async () => {
  const server = adasServer({ isAdmin: true })
    .on("GET /api/admin/users", () => ({ users: [], next_cursor: null }))
    .on("GET /api/admin/users/nobody", mistaken("path.user_id"))
    .on("GET /api/admin/events/billing", () => ({ events: [], next_cursor: null }));
  const { router } = open("/admin/users?user=nobody", server);
  expect(await screen.findByText("There is no such user.")).toBeDefined();

  await router.navigate({ to: "/admin/events", search: { service: "billing", event: "gone" } });
  expect(await screen.findByText(/it was handled, or given up/)).toBeDefined();
});
