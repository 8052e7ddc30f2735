/** Where a task is, in words for its owner. */
import type { AgentType, Status } from "./keys.ts";

export type Tone = "calm" | "busy" | "good" | "warn" | "bad";

interface Said {
  word: string;
  tone: Tone;
  isFinal: boolean;
}

export const STATUSES: Record<Status, Said> = {
  pending: { word: "Starting", tone: "busy", isFinal: false },
  queued: { word: "Waiting", tone: "busy", isFinal: false },
  running: { word: "Working", tone: "busy", isFinal: false },
  completed: { word: "Done", tone: "good", isFinal: true },
  failed: { word: "Not done", tone: "bad", isFinal: true },
  timed_out: { word: "Took too long", tone: "bad", isFinal: true },
  cancelled: { word: "Cancelled", tone: "calm", isFinal: true },
  rejected: { word: "Not enough credits", tone: "warn", isFinal: true },
};

/** The executor that is a person and no agent. */
export const PERSON = "human";

export function isFinal(status: Status): boolean {
  return STATUSES[status].isFinal;
}

export const AGENTS: Record<AgentType, string> = {
  "lead-generation": "Lead generation",
  "email-campaign": "E-mail campaign",
  "web-scraping": "Web scraping",
  "social-media": "Social media",
  "content-creation": "Content",
  research: "Research",
  general: "General",
};
