/** An order on its way: written, priced, sent. Nothing is spent whose price was not seen.

    writing ──price──▶ priced ──send──▶ sending ──accepted──▶ (a task)
       ▲                                   │ lost: the same order is sent again, under the same key
       └───────────── refused ─────────────┘
*/
import type { Schema } from "~/api/api.ts";
import type { AgentType } from "./keys.ts";

export type Quote = Schema<"QuoteView">;

export const CHARS_MAX = 16_000;

/** What is wanted: the price is for exactly this. */
export interface Wanted {
  description: string;
  agentType: AgentType | null;
}

export type Price =
  | { status: "none" }
  | { status: "asked"; wanted: Wanted }
  | { status: "offered"; wanted: Wanted; quote: Quote }
  | { status: "unknown"; wanted: Wanted; problem: unknown };

/** What was sent, and the key under which it happens once however often it is sent. */
export interface Sending extends Wanted {
  key: string;
  quote: Quote;
  since: number;
}

export interface Order extends Wanted {
  price: Price;
  sending: Sending | null;
  /** Enter was pressed before the price was there. */
  isEager: boolean;
}

export type Step =
  | { kind: "written"; description: string }
  | { kind: "chosen"; agentType: AgentType | null }
  | { kind: "price-asked"; wanted: Wanted }
  | { kind: "price-came"; wanted: Wanted; quote: Quote }
  | { kind: "price-failed"; wanted: Wanted; problem: unknown }
  | { kind: "price-over" }
  | { kind: "hurried" }
  | { kind: "sent"; sending: Sending }
  | { kind: "accepted" }
  | { kind: "refused" };

export const NOTHING: Order = {
  description: "",
  agentType: null,
  price: { status: "none" },
  sending: null,
  isEager: false,
};

export function step(order: Order, by: Step): Order {
  switch (by.kind) {
    case "written":
      return { ...order, description: by.description, isEager: false };
    case "chosen":
      return { ...order, agentType: by.agentType };
    case "price-asked":
      return { ...order, price: { status: "asked", wanted: by.wanted } };
    case "price-came":
    case "price-failed":
      return priced(order, by);
    case "price-over":
      return { ...order, price: { status: "none" } };
    case "hurried":
      return { ...order, isEager: true };
    case "sent":
      return { ...order, sending: by.sending, isEager: false };
    case "accepted":
      return NOTHING;
    case "refused":
      return { ...order, sending: null, price: { status: "none" } };
  }
}

/** An answer counts if it is for what was asked last. */
function priced(order: Order, by: Extract<Step, { kind: "price-came" | "price-failed" }>): Order {
  const { price } = order;
  if (price.status !== "asked" || !isSame(price.wanted, by.wanted)) return order;
  if (by.kind === "price-came") {
    return { ...order, price: { status: "offered", wanted: by.wanted, quote: by.quote } };
  }
  return { ...order, price: { status: "unknown", wanted: by.wanted, problem: by.problem } };
}

export function wantedOf({ description, agentType }: Order): Wanted {
  return { description: description.trim(), agentType };
}

export function isSame(one: Wanted, other: Wanted): boolean {
  return one.description === other.description && one.agentType === other.agentType;
}

/** How far the order is, for the button and the line beside it. */
export type Readiness =
  | { kind: "empty" }
  | { kind: "too-long" }
  | { kind: "pricing" }
  | { kind: "unpriced"; problem: unknown }
  | { kind: "short"; quote: Quote; missing: number }
  | { kind: "ready"; quote: Quote }
  | { kind: "sending" };

export function readinessOf(order: Order, available: number): Readiness {
  if (order.sending !== null) return { kind: "sending" };
  const wanted = wantedOf(order);
  if (wanted.description === "") return { kind: "empty" };
  if (order.description.length > CHARS_MAX) return { kind: "too-long" };
  const { price } = order;
  if (price.status === "none" || !isSame(price.wanted, wanted)) return { kind: "pricing" };
  if (price.status === "asked") return { kind: "pricing" };
  if (price.status === "unknown") return { kind: "unpriced", problem: price.problem };
  const missing = price.quote.maximum - available;
  if (missing > 0) return { kind: "short", quote: price.quote, missing };
  return { kind: "ready", quote: price.quote };
}

/** What to ask a price for now, if anything. */
export function toPrice(order: Order): Wanted | null {
  const wanted = wantedOf(order);
  const { price } = order;
  if (order.sending !== null || wanted.description === "") return null;
  if (order.description.length > CHARS_MAX) return null;
  if (price.status !== "none" && isSame(price.wanted, wanted)) return null;
  return wanted;
}
