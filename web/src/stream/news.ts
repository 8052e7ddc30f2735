/** What the live stream tells, as data. */
import type { Schema } from "~/api/api.ts";
import type { ServerEvent } from "./decoder.ts";

export type Summary = Schema<"TaskSummary">;

export interface Credits {
  available: number;
  reserved: number;
  balance: number;
}

export interface Sign {
  task_id: string;
  attempt: number;
  note: string | null;
  text: string | null;
}

export type News =
  | { kind: "hello"; sequence: number; credits: Credits }
  | { kind: "task"; sequence: number; task: Summary }
  | { kind: "progress"; sequence: number; sign: Sign }
  | { kind: "credits"; sequence: number; credits: Credits };

/** The news that an event is; null for kinds that this page does not know yet, which count as read. */
export function newsOf({ id, event, data }: ServerEvent): News | null {
  const sequence = Number(id);
  const content = JSON.parse(data);
  if (event === "hello") return { kind: "hello", sequence, credits: content.credits };
  if (event === "task") return { kind: "task", sequence, task: content };
  if (event === "progress") return { kind: "progress", sequence, sign: content };
  if (event === "credits") return { kind: "credits", sequence, credits: content };
  return null;
}
