/** An order is sent until it is answered: an outage is waited for, and the key makes one task of every try. */
import { type Api, answer, type Schema } from "~/api/api.ts";
import { isPassing, Refusal } from "~/api/problems.ts";
import type { Sending } from "./order.ts";

const PAUSE_MS_MIN = 800;
const PAUSE_MS_MAX = 8_000;

export interface Delivery {
  signal: AbortSignal;
  /** Nobody answered; it is tried again. */
  onLost: () => void;
}

export async function deliver(
  api: Api,
  { description, agentType, quote, key }: Sending,
  { signal, onLost }: Delivery,
): Promise<Schema<"AcceptedTask">> {
  for (let tries = 1; ; tries++) {
    try {
      return await answer(
        api.POST("/api/tasks", {
          params: { header: { "idempotency-key": key } },
          body: { description, agent_type: agentType, quote_id: quote.quote_id },
          signal,
        }),
      );
    } catch (problem) {
      if (!isWorthAnother(problem)) throw problem;
      onLost();
      await pause(pauseMs(problem, tries), signal);
    }
  }
}

function isWorthAnother(problem: unknown): boolean {
  return isPassing(problem) || (problem instanceof Refusal && problem.status === 429);
}

function pauseMs(problem: unknown, tries: number): number {
  const asked = problem instanceof Refusal ? problem.retryAfterS : null;
  if (asked !== null) return asked * 1000;
  return Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (tries - 1));
}

/** Wait, but not after the network is back; throws where it is no longer wanted. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const end = (then: () => void) => () => {
      clearTimeout(timer);
      over.abort();
      then();
    };
    const timer = setTimeout(end(resolve), milliseconds);
    window.addEventListener("online", end(resolve), { signal: over.signal });
    signal.addEventListener(
      "abort",
      end(() => reject(signal.reason)),
      { signal: over.signal },
    );
  });
}
