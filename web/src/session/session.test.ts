import { afterEach, describe, expect, test } from "vitest";
import { Unreachable } from "~/api/problems.ts";
import type { Neighbours } from "./neighbours.ts";
import { Session } from "./session.ts";

const QUARTER_S = 900;

function tokenOf(name: string, { lifeS = QUARTER_S, roles = [] as string[] } = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    sub: "usr_1",
    sid: "ses_1",
    email: "ada@example.com",
    roles,
    iat: now,
    exp: now + lifeS,
    jti: name,
  };
  return `h.${btoa(JSON.stringify(claims))}.s`;
}

function signedIn(token: string): Response {
  return Response.json({ token, email: "ada@example.com", credits: 5 });
}

/** Tabs of one browser: what one tells the others hear, and they take turns. */
function tabs() {
  const listeners: ((word: never) => void)[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  return (): Neighbours<never> => {
    let own: (word: never) => void = () => {};
    return {
      tell: (word) => {
        for (const listener of listeners) if (listener !== own) listener(word);
      },
      listen: (listener) => {
        own = listener;
        listeners.push(listener);
      },
      inTurn: (work) => {
        const done = turn.then(work, work);
        turn = done.catch(() => {});
        return done;
      },
    };
  };
}

interface Server {
  asked: string[];
  bearers: (string | null)[];
  renewals: (() => Response)[];
  answers: ((bearer: string | null) => Response)[];
  isAway: boolean;
}

function aServer(): Server {
  return { asked: [], bearers: [], renewals: [], answers: [], isAway: false };
}

function sessionAt(server: Server, neighbours = tabs()()): Session {
  const fetch = async (request: Request) => {
    if (server.isAway) throw new TypeError("Failed to fetch");
    const { pathname } = new URL(request.url);
    server.asked.push(pathname);
    if (pathname === "/api/auth/refresh")
      return server.renewals.shift()?.() ?? new Response(null, { status: 401 });
    if (pathname === "/api/auth/logout") return new Response(null, { status: 204 });
    const bearer = request.headers.get("authorization");
    server.bearers.push(bearer);
    return server.answers.shift()?.(bearer) ?? Response.json({});
  };
  return new Session(fetch, neighbours, localStorage);
}

function ask(session: Session): Promise<Response> {
  return session.authorized(new Request("http://127.0.0.1:5173/api/user"));
}

afterEach(() => localStorage.clear());

describe("who is signed in", () => {
  test("is told by the cookie's renewal", async () => {
    const server = aServer();
    server.renewals = [() => signedIn(tokenOf("one", { roles: ["admin"] }))];

    const state = await sessionAt(server).known();

    expect(state).toMatchObject({
      status: "signed-in",
      userId: "usr_1",
      isAdmin: true,
      credits: 5,
    });
  });

  test("is nobody where the cookie is over", async () => {
    expect(await sessionAt(aServer()).known()).toEqual({ status: "signed-out" });
  });

  test("is not known while nobody answers", async () => {
    const session = sessionAt({ ...aServer(), isAway: true });

    await expect(session.known()).rejects.toBeInstanceOf(Unreachable);
    expect(session.state.status).toBe("unknown");
  });

  test("is not asked of strangers' browsers", async () => {
    const server = aServer();

    expect(await sessionAt(server).knownIfRemembered()).toEqual({ status: "signed-out" });
    expect(server.asked).toEqual([]);
  });
});

describe("a request", () => {
  test("carries the token", async () => {
    const server = aServer();
    const session = sessionAt(server);
    const token = tokenOf("one");
    session.begin({ token, credits: 0 });

    await ask(session);

    expect(server.bearers).toEqual([`Bearer ${token}`]);
  });

  test("whose token is about to end gets a new one first", async () => {
    const server = aServer();
    const fresh = tokenOf("two");
    server.renewals = [() => signedIn(fresh)];
    const session = sessionAt(server);
    session.begin({ token: tokenOf("one", { lifeS: 10 }), credits: 0 });

    await ask(session);

    expect(server.bearers).toEqual([`Bearer ${fresh}`]);
  });

  test("whose token was refused is sent once more with a new one", async () => {
    const server = aServer();
    const fresh = tokenOf("two");
    server.renewals = [() => signedIn(fresh)];
    server.answers = [() => new Response(null, { status: 401 })];
    const session = sessionAt(server);
    session.begin({ token: tokenOf("one"), credits: 0 });

    expect((await ask(session)).status).toBe(200);
    expect(server.bearers[1]).toBe(`Bearer ${fresh}`);
  });

  test("of many at once causes one renewal", async () => {
    const server = aServer();
    server.renewals = [() => signedIn(tokenOf("two"))];
    const session = sessionAt(server);
    session.begin({ token: tokenOf("one", { lifeS: 10 }), credits: 0 });

    await Promise.all([ask(session), ask(session), ask(session)]);

    expect(server.asked.filter((path) => path === "/api/auth/refresh")).toHaveLength(1);
  });

  test("after the end of the session is answered with its refusal, and the session is over", async () => {
    const server = aServer();
    server.answers = [() => new Response(null, { status: 401 })];
    const session = sessionAt(server);
    session.begin({ token: tokenOf("one"), credits: 0 });

    expect((await ask(session)).status).toBe(401);
    expect(session.state.status).toBe("signed-out");
  });
});

describe("another tab", () => {
  test("takes the token that was renewed while it waited", async () => {
    const server = aServer();
    server.renewals = [() => signedIn(tokenOf("two"))];
    const neighbours = tabs();
    const [one, other] = [sessionAt(server, neighbours()), sessionAt(server, neighbours())];
    one.begin({ token: tokenOf("one", { lifeS: 10 }), credits: 0 });

    await Promise.all([ask(one), ask(other)]);

    expect(server.asked.filter((path) => path === "/api/auth/refresh")).toHaveLength(1);
    expect(server.bearers[0]).toBe(server.bearers[1]);
  });

  test("is signed out with this one", async () => {
    const server = aServer();
    const neighbours = tabs();
    const [one, other] = [sessionAt(server, neighbours()), sessionAt(server, neighbours())];
    one.begin({ token: tokenOf("one"), credits: 0 });
    expect(other.state.status).toBe("signed-in");

    await one.end();

    expect(other.state.status).toBe("signed-out");
  });
});

test("the token is in no storage", () => {
  const session = sessionAt(aServer());
  const token = tokenOf("one");
  session.begin({ token, credits: 0 });

  expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain(token.split(".")[1]);
});
