/** What the pages ask about tasks. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Api, answer } from "~/api/api.ts";
import { startOf } from "~/ui/days.ts";
import { type Filters, historyKey, type Status, taskKey } from "./keys.ts";

const PAGE = 30;

export const SHOWN: Record<NonNullable<Filters["show"]>, Status[]> = {
  active: ["pending", "queued", "running"],
  done: ["completed"],
  undone: ["failed", "timed_out", "cancelled", "rejected"],
};

export function taskQuery(api: Api, taskId: string) {
  return queryOptions({
    queryKey: taskKey(taskId),
    queryFn: ({ signal }) =>
      answer(api.GET("/api/tasks/{task_id}", { params: { path: { task_id: taskId } }, signal })),
  });
}

export function historyQuery(api: Api, filters: Filters) {
  return infiniteQueryOptions({
    queryKey: historyKey(filters),
    queryFn: ({ pageParam, signal }) =>
      answer(
        api.GET("/api/tasks", {
          params: { query: { ...asked(filters), limit: PAGE, cursor: pageParam ?? undefined } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

function asked({ q, show, agent, after, before }: Filters) {
  return {
    q,
    status: show && SHOWN[show],
    agent_type: agent,
    created_after: after && startOf(after, 0),
    created_before: before && startOf(before, 1),
  };
}
