import { expect, test } from "vitest";
import { balanceSaid, reachSaid } from "./chart.tsx";
import type { Line } from "./queries.ts";

const LINES = ["2026-11-28T12:00:00Z", "2026-11-20T12:00:00Z"].map(
  (created_at) => ({ created_at }) as Line,
);

test.each([
  [0, "0"],
  [500, "500"],
  [12_000, "12K"],
  [987_654_321, "988M"],
])("a balance of %i is short beside the line: %s", (balance, words) => {
  expect(balanceSaid(balance)).toBe(words);
});

test("the chart says from when on it shows, and that older lines are not loaded", () => {
  expect(reachSaid(LINES, false)).toBe("Since Nov 20, 2026");
  expect(reachSaid(LINES, true)).toBe(
    "Since Nov 20, 2026: the 2 newest lines, as many as are loaded",
  );
});
