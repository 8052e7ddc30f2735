import { expect, test } from "vitest";
import { cut } from "./cut.ts";

test("a long text is cut, and a short one is not", () => {
  expect(cut("Find me 100 leads", 17)).toBe("Find me 100 leads");
  expect(cut("Find me 100 leads", 8)).toBe("Find me…");
});
