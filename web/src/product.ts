/** What the pages are made of, put together in one place and handed to all of them. */
import { QueryClient } from "@tanstack/react-query";
import { createContext, use, useSyncExternalStore } from "react";
import { type Api, apiBy, type Fetch } from "./api/api.ts";
import { isPassing } from "./api/problems.ts";
import type { Neighbours } from "./session/neighbours.ts";
import { Session, type State, type Word } from "./session/session.ts";
import { learn } from "./stream/learning.ts";
import { type Link, Stream } from "./stream/stream.ts";

export interface Product {
  session: Session;
  api: Api;
  queries: QueryClient;
  stream: Stream;
}

const RETRIES_MAX = 4;
const FRESH_MS = 15_000;

export function build(fetch: Fetch, neighbours: Neighbours<Word>): Product {
  const session = new Session(fetch, neighbours, localStorage);
  const queries = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: FRESH_MS,
        retry: (failures, problem) => isPassing(problem) && failures < RETRIES_MAX,
      },
      mutations: { networkMode: "always" },
    },
  });
  const stream = new Stream(session.authorized);
  stream.hear((news) => learn(queries, news));
  followUser(session, stream, queries);
  return { session, api: apiBy(session.authorized), queries, stream };
}

/** Follow whoever is signed in; what the pages know of one user is forgotten before the next. */
function followUser(session: Session, stream: Stream, queries: QueryClient): void {
  let followed: string | null = null;
  let leave = () => {};
  session.subscribe(() => {
    const userId = session.state.status === "signed-in" ? session.state.userId : null;
    if (userId === followed) return;
    leave();
    if (followed !== null) queries.clear();
    followed = userId;
    leave = userId === null ? () => {} : stream.follow(userId);
  });
}

export const ProductContext = createContext<Product | null>(null);

export function useProduct(): Product {
  const product = use(ProductContext);
  if (product === null) throw new Error("there is no product around this component");
  return product;
}

export function useSession(): State {
  const { session } = useProduct();
  return useSyncExternalStore(session.subscribe, () => session.state);
}

export function useLink(): Link {
  const { stream } = useProduct();
  return useSyncExternalStore(stream.subscribe, () => stream.link);
}
