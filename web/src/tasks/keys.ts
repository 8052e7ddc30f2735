/** Under which names the pages remember what they asked about tasks. */
import type { Schema } from "~/api/api.ts";

export type Status = Schema<"Status">;
export type AgentType = Schema<"AgentType">;
export type Summary = Schema<"TaskSummary">;
export type Task = Schema<"TaskView">;

/** What the history shows; a filter that is left out does not matter. */
export interface Filters {
  q?: string;
  show?: "active" | "done" | "undone";
  agent?: AgentType;
  after?: string;
  before?: string;
}

export const EVERY_TASK = ["tasks"] as const;
export const EVERY_HISTORY = ["tasks", "history"] as const;

export function historyKey(filters: Filters): readonly ["tasks", "history", Filters] {
  return ["tasks", "history", filters];
}

export function taskKey(taskId: string): readonly ["tasks", "one", string] {
  return ["tasks", "one", taskId];
}
