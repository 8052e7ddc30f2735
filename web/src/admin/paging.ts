/** Lists of the API, page after page. */
import { useInfiniteQuery } from "@tanstack/react-query";

interface Page {
  next_cursor: string | null;
}

export interface Asked {
  cursor: string | undefined;
  signal: AbortSignal;
}

/** Ask for a list whose pages have their rows under this name. */
export function useRows<Name extends string, Row>(
  queryKey: readonly unknown[],
  name: Name,
  ask: (asked: Asked) => Promise<Page & Record<Name, Row[]>>,
) {
  const asking = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => ask({ cursor: pageParam ?? undefined, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  return { asking, rows: asking.data?.pages.flatMap((page) => page[name]) };
}
