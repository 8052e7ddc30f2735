import { waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { News } from "./news.ts";
import { Stream } from "./stream.ts";

/** A server whose stream the test writes, and who is asked from where. */
function aServer() {
  const asked: (string | null)[] = [];
  const lines: ReadableStreamDefaultController<Uint8Array>[] = [];
  const fetch = async (request: Request) => {
    asked.push(request.headers.get("last-event-id"));
    return new Response(
      new ReadableStream({
        start(controller) {
          lines.push(controller);
          request.signal.addEventListener("abort", () => controller.error(request.signal.reason));
        },
      }),
    );
  };
  const write = (text: string) => lines.at(-1)?.enqueue(new TextEncoder().encode(text));
  return { asked, fetch, write };
}

/** Tabs take turns with a name; jsdom has no locks of its own. */
function withLocks(): void {
  const queues = new Map<string, Promise<unknown>>();
  const request = (name: string, { signal }: LockOptions, work: () => Promise<void>) => {
    const before = queues.get(name) ?? Promise.resolve();
    const mine = before.then(() => (signal?.aborted ? undefined : work()));
    queues.set(
      name,
      mine.catch(() => {}),
    );
    return mine;
  };
  vi.stubGlobal("navigator", { ...navigator, locks: { request } });
}

function aTab(fetch: (request: Request) => Promise<Response>) {
  const stream = new Stream(fetch);
  const heard: News[] = [];
  stream.hear((news) => void heard.push(news));
  return { stream, heard, close: stream.follow("usr_1") };
}

const credits = (available: number) =>
  `data: ${JSON.stringify({ available, reserved: 0, balance: available })}\n\n`;

afterEach(() => vi.unstubAllGlobals());

test("two tabs have one connection, and both hear what it tells", async () => {
  withLocks();
  const server = aServer();
  const [one, other] = [aTab(server.fetch), aTab(server.fetch)];
  await waitFor(() => expect(server.asked).toHaveLength(1));

  server.write(`id: 7\nevent: credits\n${credits(900)}`);

  await waitFor(() => expect([one.heard.length, other.heard.length]).toEqual([1, 1]));
  expect(other.heard[0]).toMatchObject({ kind: "credits", credits: { available: 900 } });
  expect(server.asked).toHaveLength(1);
  one.close();
  other.close();
});

test("when the tab that reads is closed another goes on after what it heard", async () => {
  withLocks();
  const server = aServer();
  const [one, other] = [aTab(server.fetch), aTab(server.fetch)];
  await waitFor(() => expect(server.asked).toHaveLength(1));
  server.write(`id: 7\nevent: credits\n${credits(900)}`);
  await waitFor(() => expect(other.heard).toHaveLength(1));

  one.close();

  await waitFor(() => expect(server.asked).toEqual([null, "7"]));
  server.write(`id: 8\nevent: credits\n${credits(800)}`);
  await waitFor(() => expect(other.heard).toHaveLength(2));
  expect(one.heard).toHaveLength(1);
  other.close();
});

test("what a page does not know yet counts as read", async () => {
  withLocks();
  const server = aServer();
  const tab = aTab(server.fetch);
  await waitFor(() => expect(tab.stream.link).toBe("live"));

  server.write(`id: 7\nevent: post\ndata: {}\n\nid: 8\nevent: credits\n${credits(1)}`);

  await waitFor(() => expect(tab.heard.map(({ kind }) => kind)).toEqual(["credits"]));
  tab.close();
});
