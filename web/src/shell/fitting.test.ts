import { expect, test } from "vitest";
import { fitting } from "./fitting.ts";

test("scattered letters fit nothing", () => {
  expect(fitting("Light appearance", "tea")).toBe(0);
  expect(fitting("Settings", "sts")).toBe(0);
});

test("each word has to be there, in any order and as capitals too", () => {
  expect(fitting("Find dentists in Lyon", "lyon DENT")).toBe(1);
  expect(fitting("Find dentists in Lyon", "lyon doctors")).toBe(0);
  expect(fitting("Find dentists in Lyon", "")).toBe(1);
});

test("what begins a word fits better than what stands within one", () => {
  const [begins, within] = [fitting("Teaching", "tea"), fitting("Send an instead", "tea")];

  expect(within).toBeGreaterThan(0);
  expect(begins).toBeGreaterThan(within);
});

test("keywords count in place of the name", () => {
  expect(fitting("task_1", "task", ["Find dentists"])).toBe(0);
  expect(fitting("task_1", "praxis", ["Find dentists", "praxis"])).toBe(1);
});
