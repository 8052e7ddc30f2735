import { expect, test } from "vitest";
import { duration, relative } from "./moment.tsx";

const NOW = new Date("2026-11-28T12:00:00Z").getTime();

test.each([
  ["2026-11-28T11:59:30Z", "just now"],
  ["2026-11-28T11:55:00Z", "5 min. ago"],
  ["2026-11-28T09:00:00Z", "3 hr. ago"],
  ["2026-11-26T12:00:00Z", "2 days ago"],
  ["2026-12-01T12:00:00Z", "in 3 days"],
])("%s is %s", (at, said) => {
  expect(relative(at, NOW)).toBe(said);
});

test("longer ago than a week is a date", () => {
  expect(relative("2026-10-01T12:00:00Z", NOW)).toBe("Oct 1, 2026");
});

test.each([
  [900, "1 s"],
  [48_000, "48 s"],
  [200_000, "3 min 20 s"],
  [7_500_000, "2 h 5 min"],
  [-5, "0 s"],
])("%i milliseconds are %s", (milliseconds, said) => {
  expect(duration(milliseconds)).toBe(said);
});
