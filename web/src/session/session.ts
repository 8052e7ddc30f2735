/** Who is signed in: the access token lives in this memory alone, and is renewed by the cookie that no script sees.

One renewal at a time over all tabs: whoever waited takes the token that another tab got meanwhile.
*/
import { type Fetch, reach } from "~/api/api.ts";
import { type Refusal, refusalOf } from "~/api/problems.ts";
import type { Neighbours } from "./neighbours.ts";
import { type Bearer, bearerOf } from "./token.ts";

export type State =
  | { status: "unknown" }
  | { status: "signed-out" }
  | ({ status: "signed-in"; credits: number } & Bearer);

export interface SignedIn {
  token: string;
  credits: number;
}

/** What the tabs of a browser tell each other. */
export type Word = { kind: "signed-in"; bearer: Bearer; credits: number } | { kind: "signed-out" };

const RENEW_BEFORE_MS = 30_000;
const REMEMBERED = "signed-in";

export class Session {
  #state: State = { status: "unknown" };
  #renewing: Promise<State> | null = null;
  readonly #listeners = new Set<() => void>();
  readonly #fetch: Fetch;
  readonly #neighbours: Neighbours<Word>;
  readonly #storage: Storage;

  constructor(fetch: Fetch, neighbours: Neighbours<Word>, storage: Storage) {
    this.#fetch = fetch;
    this.#neighbours = neighbours;
    this.#storage = storage;
    neighbours.listen((word) => this.#hear(word));
  }

  get state(): State {
    return this.#state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Find out who is signed in, once; throws Unreachable where nobody can say. */
  async known(): Promise<State> {
    return this.#state.status === "unknown" ? this.#renew() : this.#state;
  }

  /** The same for pages that strangers see too: who was never signed in here is not asked about. */
  async knownIfRemembered(): Promise<State> {
    if (this.#state.status !== "unknown" || this.#storage.getItem(REMEMBERED)) return this.known();
    return this.#change({ status: "signed-out" });
  }

  /** Somebody signed in, on this page. */
  begin({ token, credits }: SignedIn): void {
    const bearer = bearerOf(token, Date.now());
    this.#change({ status: "signed-in", credits, ...bearer });
    this.#neighbours.tell({ kind: "signed-in", bearer, credits });
  }

  /** Sign out here and in every other tab. */
  async end(): Promise<void> {
    const response = await this.#post("/api/auth/logout");
    if (!response.ok) throw refusalOf(response, null);
    this.#over();
  }

  /** Fetch with the bearer's token; a token that is no longer good is renewed, and the request sent again. */
  authorized: Fetch = async (request) => {
    const again = request.clone();
    const token = await this.#fresh();
    const response = await reach(this.#fetch, bearing(request, token));
    if (response.status !== 401 || token === null) return response;
    const renewed = await this.#renewed(token);
    return renewed === null ? response : reach(this.#fetch, bearing(again, renewed));
  };

  async #fresh(): Promise<string | null> {
    if (this.#state.status !== "signed-in") return null;
    if (this.#state.expiresAt - Date.now() > RENEW_BEFORE_MS) return this.#state.token;
    return this.#renewed(this.#state.token);
  }

  async #renewed(token: string): Promise<string | null> {
    const isOld = this.#state.status === "signed-in" && this.#state.token === token;
    const state = isOld ? await this.#renew() : this.#state;
    return state.status === "signed-in" ? state.token : null;
  }

  #renew(): Promise<State> {
    this.#renewing ??= this.#renewInTurn().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renewInTurn(): Promise<State> {
    const before = this.#state;
    return this.#neighbours.inTurn(async () => {
      if (this.#state !== before) return this.#state;
      const response = await this.#post("/api/auth/refresh");
      if (response.status === 401) return this.#over();
      if (!response.ok) throw await refused(response);
      this.begin(await response.json());
      return this.#state;
    });
  }

  #post(path: string): Promise<Response> {
    return reach(this.#fetch, new Request(new URL(path, location.origin), { method: "POST" }));
  }

  #over(): State {
    const state = this.#change({ status: "signed-out" });
    this.#neighbours.tell({ kind: "signed-out" });
    return state;
  }

  #hear(word: Word): void {
    if (word.kind === "signed-out") this.#change({ status: "signed-out" });
    else this.#change({ status: "signed-in", credits: word.credits, ...word.bearer });
  }

  #change(state: State): State {
    this.#state = state;
    if (state.status === "signed-in") this.#storage.setItem(REMEMBERED, "yes");
    else this.#storage.removeItem(REMEMBERED);
    for (const listener of this.#listeners) listener();
    return state;
  }
}

function bearing(request: Request, token: string | null): Request {
  if (token !== null) request.headers.set("authorization", `Bearer ${token}`);
  return request;
}

async function refused(response: Response): Promise<Refusal> {
  const body = await response.json().catch(() => null);
  return refusalOf(response, body);
}
