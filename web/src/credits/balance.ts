/** The credits that are left, live. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { type Api, answer } from "~/api/api.ts";
import { useProduct, useSession } from "~/product.ts";
import type { Credits } from "~/stream/news.ts";
import { BALANCE } from "./keys.ts";

export function balanceQuery(api: Api) {
  return queryOptions({
    queryKey: BALANCE,
    staleTime: Number.POSITIVE_INFINITY, // the stream brings what changes
    queryFn: async ({ signal }): Promise<Credits> => {
      const { available, reserved, balance } = await answer(
        api.GET("/api/credits/summary", { signal }),
      );
      return { available, reserved, balance };
    },
  });
}

/** What can be spent now; at first what was true at the sign-in, null for strangers. */
export function useBalance(): Credits | null {
  const { api } = useProduct();
  const state = useSession();
  const isIn = state.status === "signed-in";
  const { data } = useQuery({ ...balanceQuery(api), enabled: isIn });
  if (!isIn) return null;
  return data ?? { available: state.credits, reserved: 0, balance: state.credits };
}
