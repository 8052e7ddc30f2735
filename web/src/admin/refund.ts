/** One refund, as operators speak of it. */
import type { Schema } from "~/api/api.ts";
import { money } from "~/credits/words.ts";

export type Refund = Schema<"RefundView">;

const CURRENCY = "usd"; // whatever else is paid is in review, and has no refund here

export function amountOf({ amount_cents }: Refund): string {
  return money(amount_cents, CURRENCY);
}

/** Whose money it is: their address, or the payment that nobody is known of. */
export function payerOf({ payer, payment_id }: Refund): string {
  return payer ?? payment_id;
}
