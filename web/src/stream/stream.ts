/** The live stream of one user, one connection for all tabs: one tab reads it, and tells the others.

Every tab keeps the number of the last event that it heard of. When the reading tab is closed another takes
over and goes on after its own number, so nothing is missed.
*/
import type { Fetch } from "~/api/api.ts";
import { follow } from "./connection.ts";
import type { ServerEvent } from "./decoder.ts";
import { type News, newsOf } from "./news.ts";

/** `connecting` before the first connection, `live` while one stands, `lost` while it is sought again. */
export type Link = "connecting" | "live" | "lost";

type Word =
  | { kind: "event"; event: ServerEvent }
  | { kind: "link"; link: Link }
  | { kind: "arrived" };

export class Stream {
  #link: Link = "connecting";
  #last: string | null = null;
  #leads = false;
  readonly #listeners = new Set<() => void>();
  readonly #hearers = new Set<(news: News) => void>();
  readonly #fetch: Fetch;

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  get link(): Link {
    return this.#link;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Be told what it tells; returns what ends that. */
  hear = (hearer: (news: News) => void): (() => void) => {
    this.#hearers.add(hearer);
    return () => this.#hearers.delete(hearer);
  };

  /** Follow this user's stream; returns what ends that. */
  follow(userId: string): () => void {
    const enough = new AbortController();
    const channel = new BroadcastChannel(`stream of ${userId}`);
    this.#last = null;
    this.#become("connecting");
    channel.addEventListener("message", ({ data }) => this.#hear(data, channel));
    channel.postMessage({ kind: "arrived" } satisfies Word);
    void leading(`stream of ${userId}`, enough.signal, () => this.#lead(channel, enough.signal));
    return () => {
      enough.abort();
      channel.close();
    };
  }

  #lead(channel: BroadcastChannel, enough: AbortSignal): Promise<void> {
    const tell = (word: Word) => {
      if (enough.aborted) return;
      channel.postMessage(word);
      this.#hear(word, channel);
    };
    const reader = {
      last: () => this.#last,
      read: (event: ServerEvent) => tell({ kind: "event", event }),
      opened: () => tell({ kind: "link", link: "live" }),
      lost: () => tell({ kind: "link", link: "lost" }),
    };
    this.#leads = true;
    return follow(this.#fetch, reader, enough).finally(() => {
      this.#leads = false;
    });
  }

  #hear(word: Word, channel: BroadcastChannel): void {
    if (word.kind === "event") this.#read(word.event);
    if (word.kind === "link") this.#become(word.link);
    if (word.kind === "arrived" && this.#leads) {
      channel.postMessage({ kind: "link", link: this.#link } satisfies Word);
    }
  }

  #read(event: ServerEvent): void {
    if (event.id !== null) this.#last = event.id;
    const news = newsOf(event);
    if (news === null) return;
    for (const hearer of this.#hearers) hearer(news);
  }

  #become(link: Link): void {
    if (link === this.#link) return;
    this.#link = link;
    for (const listener of this.#listeners) listener();
  }
}

/** Do this while no other tab does; where tabs cannot take turns, each does it for itself. */
async function leading(
  name: string,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await (navigator.locks ? navigator.locks.request(name, { signal }, work) : work());
  } catch (flaw) {
    if (!signal.aborted) throw flaw;
  }
}
