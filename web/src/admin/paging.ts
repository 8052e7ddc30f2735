/** Lists of the API, page after page. */
import { useInfiniteQuery } from "@tanstack/react-query";

interface Page {
  next_cursor: string | null;
}

export interface Asked {
  cursor: string | undefined;
  signal: AbortSignal;
}

const SOON_MS = 2000;

/** Ask for a list whose pages have their rows under this name, again while one of them is about to change by itself. */
export function useRows<Name extends string, Row>(
  queryKey: readonly unknown[],
  name: Name,
  ask: (asked: Asked) => Promise<Page & Record<Name, Row[]>>,
  isOnItsWay: (row: Row) => boolean = () => false,
) {
  const asking = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => ask({ cursor: pageParam ?? undefined, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ({ state: { data } }) =>
      data?.pages.some((page) => page[name].some(isOnItsWay)) ? SOON_MS : false,
  });
  return { asking, rows: asking.data?.pages.flatMap((page) => page[name]) };
}
