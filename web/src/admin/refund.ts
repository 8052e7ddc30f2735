/** One refund, as operators speak of it. */
import type { Schema } from "~/api/api.ts";
import { money } from "~/credits/words.ts";

export type Refund = Schema<"RefundView">;

export function amountOf({ amount_cents, currency }: Refund): string {
  return money(amount_cents, currency);
}

/** Whose money it is: their address, or the payment that nobody is known of. */
export function payerOf({ payer, payment_id }: Refund): string {
  return payer ?? payment_id;
}
