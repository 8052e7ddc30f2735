import { expect, test } from "vitest";
import { flawOfCredits, flawOfMoney, flawOfReason } from "./amounts.ts";

test.each([
  ["39.00", undefined],
  ["39", undefined],
  ["0.5", undefined],
  ["39.01", "Only $39 was paid."],
  ["12,50", "Write a point in place of the comma."],
  ["12.505", "Use at most two decimals."],
  ["0", "Enter more than 0."],
  ["0.00", "Enter more than 0."],
  ["-5", "Enter an amount in digits, like 12.50."],
  ["1e2", "Enter an amount in digits, like 12.50."],
  [" ", "Enter an amount."],
])("of $39, %j going back: %s", (text, flaw) => {
  expect(flawOfMoney(text, 3900, "usd")).toBe(flaw);
});

test.each([
  ["70", undefined],
  ["1.5", "Credits are whole: enter a number without decimals."],
  ["1,000", "Credits are whole: enter a number without decimals."],
  ["0", "Enter 1 or more."],
  ["-1", "Enter a number in digits alone, like 500."],
  ["2000000000", "Enter at most 1,000,000,000."],
  ["", "Enter how many."],
])("%j credits: %s", (text, flaw) => {
  expect(flawOfCredits(text)).toBe(flaw);
});

test("a reason has words", () => {
  expect(flawOfReason("  ")).toBe("Say why.");
  expect(flawOfReason("late")).toBeUndefined();
});
