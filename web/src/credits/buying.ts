/** Buying: the way to Stripe's page. Pressed twice it leads to the same one. */
import { useMutation } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useRef } from "react";
import { answer, newKey } from "~/api/api.ts";
import { sentenceOf } from "~/api/problems.ts";
import { useProduct } from "~/product.ts";
import { notifyProblem } from "~/ui/notify.ts";

export function useBuying() {
  const { api } = useProduct();
  const keys = useRef(new Map<string, string>());
  const keyOf = (priceId: string) => {
    const key = keys.current.get(priceId) ?? newKey();
    keys.current.set(priceId, key);
    return key;
  };
  return useLeaving((priceId: string) =>
    answer(
      api.POST("/api/billing/checkout-session", {
        params: { header: { "idempotency-key": keyOf(priceId) } },
        body: { price_id: priceId },
      }),
    ),
  );
}

export function useManaging() {
  const { api } = useProduct();
  return useLeaving((_: undefined) => answer(api.POST("/api/billing/portal-link")));
}

/** Ask where to go, and go there; whoever comes back by the browser's button finds a page that waits for nothing. */
function useLeaving<Asked>(ask: (asked: Asked) => Promise<{ url: string }>) {
  const leaving = useMutation({
    mutationFn: ask,
    onSuccess: ({ url }) => {
      location.assign(url);
      return new Promise<void>(() => {}); // busy until the other page is there
    },
    onError: (problem) => notifyProblem(sentenceOf(problem)),
  });
  const back = useEffectEvent((event: PageTransitionEvent) => {
    if (event.persisted) leaving.reset();
  });
  useEffect(() => {
    window.addEventListener("pageshow", back);
    return () => window.removeEventListener("pageshow", back);
  }, []);
  return leaving;
}
