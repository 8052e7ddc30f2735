import { screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { closeAll, open } from "~/testing/pages.tsx";
import { adasServer, problem } from "~/testing/server.ts";

afterEach(closeAll);

const USAGE = "GET /api/credits/usage";
const TOTALS = [
  { feature: "summaries", amount: 1200, count: 40 },
  { feature: "example", amount: 1, count: 1 },
];

function server() {
  return adasServer()
    .on("GET /api/credits/transactions", () => ({ transactions: [], next_cursor: null }))
    .on(USAGE, () => ({ usage: [], totals: TOTALS, next_cursor: null }));
}

test("what features took is added up, in the days that are shown", async () => {
  const asked = server();
  open("/transactions?from=2026-11-01&to=2026-11-02", asked);

  expect(await screen.findByText("1,200 credits, 40 times")).toBeDefined();
  expect(screen.getByText("1 credit, once")).toBeDefined();
  expect(screen.getByText("Example feature")).toBeDefined();
  const { search } = asked.to(USAGE)[0] ?? {};
  const [from, to] = [search?.get("from") ?? "", search?.get("to") ?? ""];
  expect(Date.parse(to) - Date.parse(from)).toBe(2 * 24 * 3600 * 1000);
});

test("features are left out where something else is looked for, or nothing was spent on them", async () => {
  open("/transactions?kind=purchase", server());
  await screen.findByText("Nothing fits");
  expect(screen.queryByText("By feature")).toBeNull();
  await closeAll();

  const unused = server().on(USAGE, () => ({ usage: [], totals: [], next_cursor: null }));
  open("/transactions", unused);
  await screen.findByText("No credits have moved yet");
  await waitFor(() => expect(unused.to(USAGE)).toHaveLength(1));
  expect(screen.queryByText("By feature")).toBeNull();
});

test("words in the address that mean nothing filter nothing", async () => {
  const asked = server();
  open("/transactions?kind=nonsense&from=nonsense", asked);

  await screen.findByText("No credits have moved yet");
  const [lines] = asked.to("GET /api/credits/transactions");
  expect([lines?.search.get("kind"), lines?.search.get("from")]).toEqual([null, null]);
});

test("a trace of nothing says so, and offers no other try", async () => {
  const invalid = () => problem(422, "invalid", "The request is not valid: path.transaction_id.");
  open("/transactions?trace=x", server().on("GET /api/credits/transactions/x", invalid));

  expect(await screen.findByText("There is no such line among your transactions.")).toBeDefined();
  expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
});

test("a time that ends before it begins is said to", async () => {
  open("/transactions?from=2026-11-03&to=2026-11-02", server());

  expect(await screen.findByText("That is before From.")).toBeDefined();
  expect(screen.getByLabelText("To").getAttribute("aria-invalid")).toBe("true");
});
