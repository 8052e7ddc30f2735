/** The order that is being written on this page: kept, priced and sent. */
import { useEffect, useEffectEvent, useReducer, useState } from "react";
import { answer, newKey } from "~/api/api.ts";
import { isPassing, isRefusal, Refusal, sentenceOf } from "~/api/problems.ts";
import { useBalance } from "~/credits/balance.ts";
import { BALANCE } from "~/credits/keys.ts";
import { useProduct } from "~/product.ts";
import type { Credits } from "~/stream/news.ts";
import { notify, notifyProblem } from "~/ui/notify.ts";
import { accepted } from "./accepting.ts";
import { deliver } from "./delivering.ts";
import { draftOf, keepDraft } from "./drafts.ts";
import type { AgentType } from "./keys.ts";
import {
  type Order,
  type Readiness,
  readinessOf,
  step,
  toPrice,
  type Wanted,
  wantedOf,
} from "./order.ts";

const TYPING_MS = 500;
const AGAIN_MS = 3_000;
const BEFORE_OVER_MS = 5_000;
const LASTING_MS_MIN = 60_000; // whatever this machine takes the time for: the server says when a price is over
const QUOTE_CODES = ["quote_expired", "quote_mismatch", "quote_not_found"];

export interface Ordering {
  order: Order;
  readiness: Readiness;
  /** The order was sent and nobody answers. */
  isLost: boolean;
  write: (description: string) => void;
  choose: (agentType: AgentType | null) => void;
  /** Send it, if its price is there to be seen; otherwise ask for the price at once. */
  submit: () => void;
  /** Stop sending; what was written stays. */
  takeBack: () => void;
}

export function useOrder(userId: string, onAccepted: Show): Ordering {
  const [order, take] = useReducer(step, null, () => draftOf(localStorage, userId, Date.now()));
  const available = useBalance()?.available ?? 0;
  const readiness = readinessOf(order, available);

  useEffect(() => keepDraft(localStorage, userId, order), [userId, order]);
  usePricing(order, take);
  const isLost = useDelivery(order, take, onAccepted);

  const submit = () => {
    if (readiness.kind === "pricing") take({ kind: "hurried" });
    if (readiness.kind === "unpriced") take({ kind: "price-over" });
    if (readiness.kind !== "ready") return;
    const sending = { key: newKey(), quote: readiness.quote, since: Date.now() };
    take({ kind: "sent", sending: { ...sending, ...wantedOf(order) } });
  };
  return {
    order,
    readiness,
    isLost,
    write: (description) => take({ kind: "written", description }),
    choose: (agentType) => take({ kind: "chosen", agentType }),
    submit,
    takeBack: () => take({ kind: "refused" }),
  };
}

type Show = (taskId: string) => Promise<void>;
type Take = (by: Parameters<typeof step>[1]) => void;

/** Ask for the price when the writer pauses, again when it is over, and again after an outage. */
function usePricing(order: Order, take: Take): void {
  const { api } = useProduct();
  const wanted = toPrice(order);
  const ask = useEffectEvent(async (what: Wanted) => {
    take({ kind: "price-asked", wanted: what });
    try {
      const body = { description: what.description, agent_type: what.agentType };
      const quote = await answer(api.POST("/api/tasks/estimate", { body }));
      take({ kind: "price-came", wanted: what, quote });
    } catch (problem) {
      take({ kind: "price-failed", wanted: what, problem });
    }
  });

  const pause = order.isEager ? 0 : TYPING_MS;
  const { description, agentType } = wanted ?? { description: null, agentType: null };
  useEffect(() => {
    if (description === null) return;
    const timer = setTimeout(() => void ask({ description, agentType }), pause);
    return () => clearTimeout(timer);
  }, [description, agentType, pause]);

  const overIn = overInMs(order);
  useEffect(() => {
    if (overIn === null) return;
    const timer = setTimeout(() => take({ kind: "price-over" }), overIn);
    return () => clearTimeout(timer);
  }, [overIn, take]);
}

function overInMs({ price }: Order): number | null {
  if (price.status === "unknown" && isPassing(price.problem)) return AGAIN_MS;
  if (price.status !== "offered") return null;
  const left = new Date(price.quote.valid_until).getTime() - Date.now();
  return Math.max(LASTING_MS_MIN, left - BEFORE_OVER_MS);
}

/** Send what is on its way, also after a reload; tell whether nobody answers. */
function useDelivery(order: Order, take: Take, onAccepted: Show): boolean {
  const { api, queries } = useProduct();
  const [isLost, setLost] = useState(false);
  const { sending } = order;

  const send = useEffectEvent(async (signal: AbortSignal) => {
    if (sending === null) return;
    try {
      const task = await deliver(api, sending, { signal, onLost: () => setLost(true) });
      accepted(queries, sending, task);
      await onAccepted(task.task_id); // the page shows the task before the order is forgotten
      take({ kind: "accepted" });
    } catch (problem) {
      if (signal.aborted) return;
      take({ kind: "refused" });
      explain(problem);
    }
  });
  const explain = (problem: unknown) => {
    if (problem instanceof Refusal && QUOTE_CODES.includes(problem.code)) {
      notify("The price was over. Here is today's: look at it, then send.");
    } else {
      notifyProblem(sentenceOf(problem));
    }
    if (!isRefusal(problem, "insufficient_credits")) return;
    const available = Number(problem.members.available);
    queries.setQueryData<Credits>(BALANCE, (known) => known && { ...known, available });
  };

  const key = sending?.key;
  useEffect(() => {
    if (key === undefined) return;
    const ended = new AbortController();
    setLost(false);
    void send(ended.signal);
    return () => ended.abort();
  }, [key]);
  return isLost && sending !== null;
}
