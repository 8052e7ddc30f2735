/** Tasks for tests. */
import type { Summary, Task } from "~/tasks/keys.ts";
import type { Quote } from "~/tasks/order.ts";

export function aSummary(change: Partial<Summary> = {}): Summary {
  return {
    task_id: "task_1",
    description: "Find me 100 leads in Miami",
    status: "running",
    agent_type: "lead-generation",
    credits_spent: 0,
    expected: 100,
    maximum: 100,
    is_cancel_requested: false,
    error: null,
    created_at: "2026-11-28T09:00:00Z",
    updated_at: "2026-11-28T09:00:00Z",
    ...change,
  };
}

export function aTask(change: Partial<Task> = {}): Task {
  return {
    ...aSummary(),
    executor: null,
    result: null,
    progress: null,
    files: [],
    events: [],
    ...change,
  };
}

export function aQuote(change: Partial<Quote> = {}): Quote {
  return {
    quote_id: "quote_1",
    agent_type: "lead-generation",
    expected: 100,
    maximum: 100,
    valid_until: "2026-11-28T09:15:00Z",
    rate_card_version: "2026-11",
    ...change,
  };
}
