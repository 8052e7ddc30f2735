/** What the pages ask about credits, prices and plans. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Api, answer, type Schema } from "~/api/api.ts";
import { checkoutKey, INVOICES, PRICES, SUBSCRIPTION, SUMMARY } from "./keys.ts";

export type Price = Schema<"PriceView">;
export type Plan = Schema<"SubscriptionView">;
export type Checkout = Schema<"CheckoutProgress">;
export type Summary = Schema<"Summary">;

const PRICES_FRESH_MS = 5 * 60_000;
const SOON_MS = 1_000;
const LATER_MS = 3_000;
const SOON_TRIES = 15;

export function pricesQuery(api: Api) {
  return queryOptions({
    queryKey: PRICES,
    staleTime: PRICES_FRESH_MS,
    queryFn: async ({ signal }) =>
      (await answer(api.GET("/api/billing/prices", { signal }))).prices,
  });
}

export function summaryQuery(api: Api) {
  return queryOptions({
    queryKey: SUMMARY,
    queryFn: ({ signal }) => answer(api.GET("/api/credits/summary", { signal })),
  });
}

export function subscriptionQuery(api: Api) {
  return queryOptions({
    queryKey: SUBSCRIPTION,
    queryFn: ({ signal }) => answer(api.GET("/api/billing/subscription", { signal })),
  });
}

/** Asked about for a while: Stripe tells us a little after its page has let somebody go. */
export function changingSubscriptionQuery(api: Api) {
  return {
    ...subscriptionQuery(api),
    refetchInterval: ({
      state,
    }: {
      state: { dataUpdateCount: number; errorUpdateCount: number };
    }) =>
      state.dataUpdateCount + state.errorUpdateCount < SOON_TRIES ? SOON_MS : (false as const),
  };
}

export function invoicesQuery(api: Api) {
  return infiniteQueryOptions({
    queryKey: INVOICES,
    queryFn: ({ pageParam, signal }) =>
      answer(
        api.GET("/api/billing/invoices", {
          params: { query: { limit: 12, cursor: pageParam ?? undefined } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** A checkout, asked about until it has come to its end. */
export function checkoutQuery(api: Api, sessionId: string) {
  return queryOptions({
    queryKey: checkoutKey(sessionId),
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/billing/checkout-session/{checkout_session_id}", {
          params: { path: { checkout_session_id: sessionId } },
          signal,
        }),
      ),
    refetchInterval: ({ state: { data, dataUpdateCount } }) => {
      if (data !== undefined && hasEnded(data)) return false;
      return dataUpdateCount < SOON_TRIES ? SOON_MS : LATER_MS;
    },
  });
}

export function hasEnded({ granted, status }: Checkout): boolean {
  return granted || status === "expired" || status === "failed";
}

export function hasPlan({ status }: Plan): boolean {
  return status !== "none" && status !== "canceled";
}
