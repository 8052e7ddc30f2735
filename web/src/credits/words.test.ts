import { describe, expect, test } from "vitest";
import { counted, credits, levelOf, money, signed, signedCredits } from "./words.ts";

describe("credits", () => {
  test("one credit is no credits", () => {
    expect(credits(1)).toBe("1 credit");
    expect(credits(0)).toBe("0 credits");
    expect(credits(1000)).toBe("1,000 credits");
  });

  test("what came has a plus, what went a real minus", () => {
    expect(signed(1000)).toBe("+1,000");
    expect(signed(-40)).toBe("−40");
    expect(signed(0)).toBe("0");
    expect(signedCredits(-1)).toBe("−1 credit");
  });

  test("thousands are set apart", () => {
    expect(counted(1234567)).toBe("1,234,567");
  });
});

describe("money", () => {
  test("cents are shown where there are some", () => {
    expect(money(2900, "usd")).toBe("$29");
    expect(money(950, "usd")).toBe("$9.50");
    expect(money(99000, "eur")).toBe("€990");
  });
});

describe("the chip", () => {
  test.each([
    [1000, "good"],
    [50, "good"],
    [49, "warn"],
    [10, "warn"],
    [9, "bad"],
    [0, "bad"],
    [-5, "bad"],
  ])("shows %i as %s", (available, level) => {
    expect(levelOf(available)).toBe(level);
  });
});
