import { expect, test } from "vitest";
import { oneOf, only, ownPath, parseSearch, stringifySearch } from "./search.ts";

test("words stay words, also those that look like numbers", () => {
  expect(parseSearch("?token=1e5&q=007")).toEqual({ token: "1e5", q: "007" });
  expect(stringifySearch({ token: "1e5", q: "a b", none: undefined, empty: "" })).toBe(
    "?token=1e5&q=a+b",
  );
  expect(stringifySearch({})).toBe("");
});

test("only what a page knows is kept", () => {
  expect(only("q", "show")({ q: "leads", other: "x", show: "" })).toEqual({ q: "leads" });
});

test("a word that is unknown is as if it were not there", () => {
  expect(oneOf(["open", "paid"], "paid")).toBe("paid");
  expect(oneOf(["open", "paid"], "toString")).toBeUndefined();
  expect(oneOf(["open", "paid"], undefined)).toBeUndefined();
});

test.each([
  [undefined, "/dashboard"],
  ["/credits?cancelled=1", "/credits?cancelled=1"],
  ["//evil.example", "/dashboard"],
  ["/\\evil.example", "/dashboard"],
  ["https://evil.example", "/dashboard"],
  ["javascript:alert(1)", "/dashboard"],
])("%s leads to %s", (next, path) => {
  expect(ownPath(next)).toBe(path);
});
