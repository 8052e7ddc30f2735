/** One connection to the live stream, held open: after every break it goes on where it left off. */
import { type Fetch, reach } from "~/api/api.ts";
import { refusalOf } from "~/api/problems.ts";
import { Decoder, type ServerEvent } from "./decoder.ts";

export interface Reader {
  /** The number of the last event that was read, null before the first. */
  last: () => string | null;
  read: (event: ServerEvent) => void;
  /** The connection stands. */
  opened: () => void;
  /** It broke, or could not be made. */
  lost: () => void;
}

const SILENCE_MS_MAX = 40_000; // the server says something every 15 seconds
const LASTING_MS_MIN = 5_000; // a connection that ends sooner is no reason to try again at once
const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 15_000;

/** Follow the stream until the signal says that it is enough. */
export async function follow(fetch: Fetch, reader: Reader, enough: AbortSignal): Promise<void> {
  let failures = 0;
  while (!enough.aborted) {
    const began = Date.now();
    const ended = await connect(fetch, reader, enough);
    if (enough.aborted) return;
    const stood = ended && Date.now() - began > LASTING_MS_MIN;
    failures = stood ? 0 : failures + 1;
    if (!ended) reader.lost();
    await pause(pauseMs(failures), enough);
  }
}

/** How long to wait before the next try: twice as long each time, and not all at the same moment. */
export function pauseMs(failures: number, chance = Math.random()): number {
  if (failures === 0) return 0;
  const longest = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (failures - 1));
  return longest / 2 + (longest / 2) * chance;
}

/** Read one connection to its end; tell whether it ended as streams do, or broke. */
async function connect(fetch: Fetch, reader: Reader, enough: AbortSignal): Promise<boolean> {
  const silence = new AbortController();
  try {
    const response = await reach(fetch, asking(reader.last(), [enough, silence.signal]));
    if (!response.ok || response.body === null) throw refusalOf(response, null);
    reader.opened();
    await readAll(response.body, reader, silence);
    return true;
  } catch (flaw) {
    if (flaw instanceof SyntaxError || flaw instanceof ReferenceError) throw flaw;
    return false;
  }
}

function asking(last: string | null, signals: AbortSignal[]): Request {
  const headers: HeadersInit = last === null ? {} : { "Last-Event-ID": last };
  const url = new URL("/api/events", location.origin);
  return new Request(url, { headers, signal: AbortSignal.any(signals), cache: "no-store" });
}

async function readAll(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  reader: Reader,
  silence: AbortController,
): Promise<void> {
  const decoder = new Decoder();
  const pieces = body.pipeThrough(new TextDecoderStream()).getReader();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
  try {
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
      for (const event of decoder.take(value)) reader.read(event);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Wait, but no longer than until the network is back or the page is looked at again. */
function pause(milliseconds: number, enough: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = new AbortController();
    const done = () => {
      clearTimeout(timer);
      over.abort();
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    const until = { signal: over.signal };
    window.addEventListener("online", done, until);
    document.addEventListener("visibilitychange", () => !document.hidden && done(), until);
    enough.addEventListener("abort", done, until);
  });
}
