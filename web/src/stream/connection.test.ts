import { expect, test, vi } from "vitest";
import { follow, pauseMs, type Reader } from "./connection.ts";
import type { ServerEvent } from "./decoder.ts";

function streamOf(...pieces: string[]): Response {
  const bytes = new TextEncoder();
  return new Response(
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(bytes.encode(piece));
        controller.close();
      },
    }),
  );
}

function aReader(): Reader & { events: ServerEvent[]; said: string[] } {
  const events: ServerEvent[] = [];
  const said: string[] = [];
  return {
    events,
    said,
    last: () => events.at(-1)?.id ?? null,
    read: (event) => void events.push(event),
    opened: () => void said.push("opened"),
    lost: () => void said.push("lost"),
  };
}

test("a stream that broke goes on after the last event that was read", async () => {
  vi.useFakeTimers();
  const enough = new AbortController();
  const reader = aReader();
  const asked: (string | null)[] = [];
  const answers = [
    () => streamOf("id: 1\ndata: a\n\n", "id: 2\ndata: b\n\n"),
    () => {
      throw new TypeError("Failed to fetch");
    },
    () => streamOf("id: 3\ndata: c\n\n"),
  ];
  const fetch = async (request: Request) => {
    asked.push(request.headers.get("last-event-id"));
    const answer = answers.shift();
    if (answer === undefined) {
      enough.abort();
      throw new DOMException("enough", "AbortError");
    }
    return answer();
  };

  const following = follow(fetch, reader, enough.signal);
  await vi.runAllTimersAsync();
  await following;

  expect(reader.events.map(({ data }) => data)).toEqual(["a", "b", "c"]);
  expect(asked).toEqual([null, "2", "2", "3"]);
  expect(reader.said).toEqual(["opened", "lost", "opened"]);
  vi.useRealTimers();
});

test("tries come further and further apart, never all at one moment, and not for ever later", () => {
  expect(pauseMs(0, 1)).toBe(0);
  expect(pauseMs(1, 0)).toBe(250);
  expect(pauseMs(1, 1)).toBe(500);
  expect(pauseMs(3, 1)).toBe(2_000);
  expect(pauseMs(30, 1)).toBe(15_000);
});
