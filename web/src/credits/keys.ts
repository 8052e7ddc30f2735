/** Under which names the pages remember what they asked about credits. */

export const EVERY_CREDIT = ["credits"] as const;
export const BALANCE = ["credits", "balance"] as const;
export const SUMMARY = ["credits", "summary"] as const;
export const EVERY_LINE = ["credits", "lines"] as const;
export const PRICES = ["prices"] as const;
export const SUBSCRIPTION = ["credits", "subscription"] as const;
export const INVOICES = ["credits", "invoices"] as const;

export function checkoutKey(sessionId: string): readonly ["checkout", string] {
  return ["checkout", sessionId];
}
