/** Code that is fetched when it is needed: what did not come is asked for again. */
import { type ComponentType, lazy } from "react";

/* What browsers and Vite say of a file that did not come; code that is broken says something else. */
const NOT_FETCHED = /dynamically imported module|importing a module script|preload css/i;
const STYLE = /preload css for (\S+)/i;
const AGAIN_MS = 3_000;

type Fetching<Code> = () => Promise<Code>;

/** A part of a page whose code is fetched when it is first shown, as often as it takes. */
export function lazyPart<Props>(fetching: Fetching<ComponentType<Props>>) {
  return lazy(async () => ({ default: await fetchAtLast(fetching) }));
}

export function isNotFetched(flaw: unknown): flaw is Error {
  return flaw instanceof Error && NOT_FETCHED.test(flaw.message);
}

/** Fetch code that did not come before, for this reason; its style too, which Vite asks for only once. */
export async function fetchAgain<Code>(fetching: Fetching<Code>, flaw: Error): Promise<Code> {
  const style = STYLE.exec(flaw.message)?.[1];
  if (style !== undefined) await addStyle(style, flaw);
  return fetching();
}

/** Fetch code as often as it takes: for parts without which the page goes on. */
export async function fetchAtLast<Code>(fetching: Fetching<Code>): Promise<Code> {
  let attempt = fetching;
  for (;;) {
    try {
      return await attempt();
    } catch (flaw) {
      if (!isNotFetched(flaw)) throw flaw;
      attempt = () => fetchAgain(fetching, flaw);
    }
    await aWhile();
  }
}

function addStyle(href: string, flaw: Error): Promise<void> {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  document.head.append(link);
  return new Promise((tell, refuse) => {
    link.addEventListener("load", () => tell());
    link.addEventListener("error", () => {
      link.remove();
      refuse(flaw);
    });
  });
}

/** Until the network comes back, or a few seconds have passed. */
function aWhile(): Promise<void> {
  return new Promise((tell) => {
    const timer = setTimeout(tell, AGAIN_MS);
    const now = () => {
      clearTimeout(timer);
      tell();
    };
    window.addEventListener("online", now, { once: true });
  });
}
