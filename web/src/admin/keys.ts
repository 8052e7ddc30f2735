/** Under which names the operators' pages remember what they asked. */

export const HEALTH = ["admin", "health"] as const;
export const EXECUTORS = ["admin", "executors"] as const;
export const EVERY_RUN = ["admin", "runs"] as const;
export const EVERY_USER = ["admin", "users"] as const;
export const EVERY_PAYMENT = ["admin", "payments"] as const;
export const EVERY_REFUND = ["admin", "refunds"] as const;
export const EVERY_EVENT = ["admin", "events"] as const;
export const EVERY_MAIL = ["admin", "mails"] as const;
export const CATALOGUE = ["admin", "prices"] as const;
export const DRIFT = ["admin", "drift of prices"] as const;
export const BOOKS = ["admin", "books"] as const;
export const COMPARISONS = ["admin", "reconciliations"] as const;
