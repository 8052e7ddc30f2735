import { expect, test } from "vitest";
import { aSummary } from "~/testing/tasks.ts";
import { byDay } from "./days.ts";

const NOW = new Date(2026, 10, 28, 15).getTime();

function askedAt(...days: [number, number, number][]) {
  return days.map(([year, month, day]) =>
    aSummary({ created_at: new Date(year, month - 1, day, 9).toISOString() }),
  );
}

test("tasks are put together by the day of their asking, older ones by the month", () => {
  const days = byDay(
    askedAt(
      [2026, 11, 28],
      [2026, 11, 28],
      [2026, 11, 27],
      [2026, 11, 24],
      [2026, 10, 3],
      [2026, 10, 1],
    ),
    NOW,
  );

  expect(days.map(({ day, tasks }) => [day, tasks.length])).toEqual([
    ["Today", 2],
    ["Yesterday", 1],
    ["Nov 24, 2026", 1],
    ["October 2026", 2],
  ]);
});

test("a clock that is ahead makes no tomorrow", () => {
  expect(byDay(askedAt([2026, 11, 29]), NOW)[0]?.day).toBe("Today");
});
