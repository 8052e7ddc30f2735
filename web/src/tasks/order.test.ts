import { describe, expect, test } from "vitest";
import { aQuote } from "~/testing/tasks.ts";
import { NOTHING, type Order, readinessOf, type Step, step, toPrice, wantedOf } from "./order.ts";

const wanted = { description: "Find me 100 leads", agentType: null };

function orderOf(...steps: Step[]): Order {
  return steps.reduce(step, NOTHING);
}

const written: Step = { kind: "written", description: wanted.description };
const asked: Step = { kind: "price-asked", wanted };
const came: Step = { kind: "price-came", wanted, quote: aQuote() };
const sent: Step = {
  kind: "sent",
  sending: { ...wanted, key: "key", quote: aQuote(), since: 0 },
};

describe("an order", () => {
  test("is ready when its price is there and there are credits for the most of it", () => {
    expect(readinessOf(orderOf(written, asked, came), 100).kind).toBe("ready");
  });

  test("says how many credits are missing", () => {
    expect(readinessOf(orderOf(written, asked, came), 60)).toMatchObject({
      kind: "short",
      missing: 40,
    });
  });

  test("whose words changed is not ready at the old price", () => {
    const order = orderOf(written, asked, came, {
      kind: "written",
      description: "Find me 9,000 leads",
    });

    expect(readinessOf(order, 10_000).kind).toBe("pricing");
  });

  test("for another kind of agent is not ready at the old price", () => {
    const order = orderOf(written, asked, came, { kind: "chosen", agentType: "research" });

    expect(readinessOf(order, 10_000).kind).toBe("pricing");
  });

  test("keeps its price where only blanks around it change", () => {
    const order = orderOf(written, asked, came, {
      kind: "written",
      description: "Find me 100 leads  ",
    });

    expect(readinessOf(order, 100).kind).toBe("ready");
  });

  test("that is blank is empty", () => {
    expect(readinessOf(orderOf({ kind: "written", description: " \n " }), 100).kind).toBe("empty");
  });

  test("that is too long is told so and not priced", () => {
    const order = orderOf({ kind: "written", description: "a".repeat(16_001) });

    expect(readinessOf(order, 100).kind).toBe("too-long");
    expect(toPrice(order)).toBeNull();
  });

  test("on its way is not priced", () => {
    expect(readinessOf(orderOf(written, asked, came, sent), 100).kind).toBe("sending");
    expect(toPrice(orderOf(written, asked, came, sent))).toBeNull();
  });

  test("that was refused is what it was, without its price", () => {
    const order = orderOf(written, asked, came, sent, { kind: "refused" });

    expect(wantedOf(order)).toEqual(wanted);
    expect(readinessOf(order, 100).kind).toBe("pricing");
  });

  test("that was accepted leaves an empty page", () => {
    expect(orderOf(written, asked, came, sent, { kind: "accepted" })).toEqual(NOTHING);
  });
});

describe("a price", () => {
  test("is asked for once", () => {
    expect(toPrice(orderOf(written))).toEqual(wanted);
    expect(toPrice(orderOf(written, asked))).toBeNull();
    expect(toPrice(orderOf(written, asked, came))).toBeNull();
  });

  test("that comes for words of before does not count", () => {
    const later = { description: "Find me 200 leads", agentType: null };
    const order = orderOf(written, asked, { kind: "price-asked", wanted: later }, came);

    expect(order.price).toEqual({ status: "asked", wanted: later });
  });

  test("that is over is asked for again", () => {
    expect(toPrice(orderOf(written, asked, came, { kind: "price-over" }))).toEqual(wanted);
  });

  test("that did not come says why", () => {
    const problem = new Error("away");
    const order = orderOf(written, asked, { kind: "price-failed", wanted, problem });

    expect(readinessOf(order, 100)).toEqual({ kind: "unpriced", problem });
  });
});

describe("haste", () => {
  test("is remembered until the words change", () => {
    expect(orderOf(written, { kind: "hurried" }).isEager).toBe(true);
    expect(orderOf(written, { kind: "hurried" }, written).isEager).toBe(false);
  });
});
