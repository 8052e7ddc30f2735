/** Under which names the pages remember what they asked about the account. */

export const USER = ["user"] as const;
export const SESSIONS = ["sessions"] as const;
