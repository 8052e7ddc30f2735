/** What the pages ask about the movements of credits. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Api, answer, type Schema } from "~/api/api.ts";
import { EVERY_LINE } from "~/credits/keys.ts";
import { startOf } from "~/ui/days.ts";

export type Line = Schema<"Transaction">;
export type Trace = Schema<"TransactionTrace">;
export type Kind = Schema<"Kind">;

/** Which movements; a filter that is left out does not matter. Days are the reader's own. */
export interface Filters {
  kind?: string;
  from?: string;
  to?: string;
}

const PAGE = 50;

export function linesQuery(api: Api, filters: Filters) {
  return infiniteQueryOptions({
    queryKey: [...EVERY_LINE, filters] as const,
    queryFn: ({ pageParam, signal }) =>
      answer(
        api.GET("/api/credits/transactions", {
          params: { query: { ...asked(filters), limit: PAGE, cursor: pageParam ?? undefined } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** How much each feature took in the days of the filters. */
export function totalsQuery(api: Api, filters: Filters) {
  const { from, to } = asked(filters);
  return queryOptions({
    queryKey: [...EVERY_LINE, "features", from, to] as const,
    queryFn: ({ signal }) =>
      answer(api.GET("/api/credits/usage", { params: { query: { from, to, limit: 1 } }, signal })),
  });
}

export function traceQuery(api: Api, lineId: string) {
  return queryOptions({
    queryKey: ["credits", "trace", lineId] as const,
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/credits/transactions/{transaction_id}", {
          params: { path: { transaction_id: lineId } },
          signal,
        }),
      ),
  });
}

/** The filters as the API takes them: moments, the last day included. */
export function asked({ kind, from, to }: Filters) {
  return {
    kind: kind as Kind | undefined,
    from: from && startOf(from, 0),
    to: to && startOf(to, 1),
  };
}
