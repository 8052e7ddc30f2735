/** Why credits moved, in words. */

import type { Tone } from "~/tasks/status.ts";
import type { Kind } from "./queries.ts";

interface Said {
  word: string;
  tone: Tone;
}

export const KINDS: Record<Kind, Said> = {
  purchase: { word: "Bought", tone: "good" },
  subscription: { word: "Plan", tone: "good" },
  bonus: { word: "Bonus", tone: "good" },
  admin_grant: { word: "Granted", tone: "good" },
  goodwill: { word: "Goodwill", tone: "good" },
  reinstatement: { word: "Given back", tone: "good" },
  capture: { word: "Work", tone: "calm" },
  refund: { word: "Refund", tone: "warn" },
  dispute: { word: "Dispute", tone: "warn" },
  expiry: { word: "Expired", tone: "warn" },
  adjustment: { word: "Correction", tone: "warn" },
};

export function kindSaid(kind: string): Said {
  return KINDS[kind as Kind] ?? { word: kind, tone: "calm" };
}
