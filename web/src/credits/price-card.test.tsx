import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { PriceCard } from "./price-card.tsx";
import type { Price } from "./queries.ts";

afterEach(cleanup);

const PLAN = {
  name: "Basic",
  description: "500 credits a month",
  credits: 500,
  amount_cents: 2900,
  currency: "usd",
  interval: "month",
} as Price;

function show(price: Price) {
  return render(<PriceCard price={price} isBusy={false} onBuy={() => {}} />).container;
}

test("a plan says once how many credits it brings", () => {
  expect(show(PLAN).textContent?.match(/credits a month/g)).toHaveLength(1);
});

test("a pack that is named after its number is read out with it once", () => {
  show({ ...PLAN, name: "500 credits", description: "For a project", interval: null });

  expect(screen.getByRole("button").textContent?.match(/500 credits/g)).toHaveLength(1);
});

test("what a description adds is there", () => {
  expect(show({ ...PLAN, description: "For teams" }).textContent).toContain("For teams");
});
