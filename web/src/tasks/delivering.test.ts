import { expect, test, vi } from "vitest";
import { apiBy } from "~/api/api.ts";
import { type Refusal, Unreachable } from "~/api/problems.ts";
import { aQuote } from "~/testing/tasks.ts";
import { deliver } from "./delivering.ts";

const sending = { description: "Find", agentType: null, key: "key-1", quote: aQuote(), since: 0 };
const taken = { task_id: "task_1", status: "pending", credits_remaining: 0 };

function json(status: number, body: unknown, headers: HeadersInit = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** A server that answers these one after another, and keeps the keys that it was asked with. */
function serverOf(...answers: (Response | Error)[]) {
  const keys: (string | null)[] = [];
  const api = apiBy(async (request) => {
    keys.push(request.headers.get("idempotency-key"));
    const answer = answers.shift() ?? new Error("asked too often");
    if (answer instanceof Error) throw answer;
    return answer;
  });
  return { api, keys };
}

test("an outage is waited for, and every try is the same order", async () => {
  vi.useFakeTimers();
  const { api, keys } = serverOf(new Unreachable(), json(503, {}), json(201, taken));
  const onLost = vi.fn();

  const delivering = deliver(api, sending, { signal: new AbortController().signal, onLost });
  await vi.runAllTimersAsync();

  expect((await delivering).task_id).toBe("task_1");
  expect(keys).toEqual(["key-1", "key-1", "key-1"]);
  expect(onLost).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});

test("a server that asks for patience is given it", async () => {
  vi.useFakeTimers();
  const { api, keys } = serverOf(json(429, {}, { "retry-after": "7" }), json(201, taken));

  const delivering = deliver(api, sending, {
    signal: new AbortController().signal,
    onLost: () => {},
  });
  await vi.advanceTimersByTimeAsync(6_900);
  expect(keys).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(200);

  expect((await delivering).task_id).toBe("task_1");
  vi.useRealTimers();
});

test("a refusal is final", async () => {
  const problem = { code: "quote_expired", detail: "The quote is no longer valid." };
  const { api } = serverOf(json(409, problem));

  const delivering = deliver(api, sending, {
    signal: new AbortController().signal,
    onLost: () => {},
  });

  await expect(delivering).rejects.toMatchObject({
    code: "quote_expired",
  } satisfies Partial<Refusal>);
});

test("what is taken back is not tried again", async () => {
  const { api, keys } = serverOf(new Unreachable());
  const ended = new AbortController();

  const delivering = deliver(api, sending, { signal: ended.signal, onLost: () => ended.abort() });

  await expect(delivering).rejects.toThrow();
  expect(keys).toHaveLength(1);
});
