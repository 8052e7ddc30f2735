/** A task that was just accepted, shown before anybody has told of it. */
import type { QueryClient } from "@tanstack/react-query";
import type { Schema } from "~/api/api.ts";
import { BALANCE } from "~/credits/keys.ts";
import { type History, isFiltered, withTask } from "~/stream/learning.ts";
import type { Credits } from "~/stream/news.ts";
import { EVERY_HISTORY, type Filters, type Summary, type Task, taskKey } from "./keys.ts";
import type { Sending } from "./order.ts";

export function accepted(
  queries: QueryClient,
  sending: Sending,
  task: Schema<"AcceptedTask">,
): void {
  const summary = begun(sending, task);
  queries.setQueryData<Task>(taskKey(task.task_id), (known) => known ?? inFull(summary));
  void queries.invalidateQueries({ queryKey: taskKey(task.task_id) });
  for (const [key, history] of queries.getQueriesData<History>({ queryKey: EVERY_HISTORY })) {
    if (isFiltered(key[2] as Filters)) void queries.invalidateQueries({ queryKey: key });
    else queries.setQueryData(key, history && withTask(history, summary));
  }
  queries.setQueryData<Credits>(
    BALANCE,
    (known) => known && { ...known, available: task.credits_remaining },
  );
}

/** What is known of it; whatever is told of it later is newer. */
function begun({ description, quote }: Sending, task: Schema<"AcceptedTask">): Summary {
  return {
    task_id: task.task_id,
    status: task.status,
    description,
    agent_type: quote.agent_type,
    credits_spent: 0,
    expected: quote.expected,
    maximum: quote.maximum,
    is_cancel_requested: false,
    error: null,
    created_at: bornAt(task.task_id).toISOString(),
    updated_at: new Date(0).toISOString(),
  };
}

/** Ids begin with the moment of their making, in milliseconds. */
function bornAt(taskId: string): Date {
  return new Date(Number.parseInt(taskId.replace("task_", "").slice(0, 12), 16));
}

function inFull(summary: Summary): Task {
  return { ...summary, executor: null, result: null, progress: null, files: [], events: [] };
}
