import { expect, test } from "vitest";
import { size } from "./size.ts";

test.each([
  [0, "0 B"],
  [812, "812 B"],
  [5_200, "5.2 kB"],
  [13_107, "13 kB"],
  [3_400_000, "3.4 MB"],
  [2_000_000_000, "2.0 GB"],
])("%i bytes are %s", (bytes, said) => {
  expect(size(bytes)).toBe(said);
});
