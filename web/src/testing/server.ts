/** A server for tests of whole pages: answers by method and path, and what it was asked. */
import type { Summary, Task } from "~/tasks/keys.ts";

export interface Asked {
  method: string;
  path: string;
  search: URLSearchParams;
  headers: Headers;
  body: Record<string, unknown>;
}

export type Answer = Response | object | null;
type Work = (asked: Asked) => Answer | Promise<Answer>;

export class Server {
  readonly asked: Asked[] = [];
  /** Nobody is there: every request breaks. */
  isAway = false;
  readonly #works = new Map<string, Work>();

  /** `on("GET /api/user", () => ({ … }))` */
  on(route: string, work: Work): this {
    this.#works.set(route, work);
    return this;
  }

  fetch = async (request: Request): Promise<Response> => {
    if (this.isAway) throw new TypeError("Failed to fetch");
    const { pathname, searchParams } = new URL(request.url);
    const text = await request.text();
    const asked: Asked = {
      method: request.method,
      path: pathname,
      search: searchParams,
      headers: request.headers,
      body: text === "" ? {} : JSON.parse(text),
    };
    this.asked.push(asked);
    const work = this.#works.get(`${asked.method} ${asked.path}`);
    if (work === undefined) return problem(404, "not_found", "There is nothing here by that id.");
    const answer = await work(asked);
    return answer instanceof Response ? answer : Response.json(answer);
  };

  to(route: string): Asked[] {
    return this.asked.filter(({ method, path }) => `${method} ${path}` === route);
  }
}

export function problem(status: number, code: string, detail: string, members = {}): Response {
  const body = { type: "about:blank", title: code, status, code, detail, ...members };
  return Response.json(body, { status, headers: { "content-type": "application/problem+json" } });
}

export function tokenOf(email: string, { isAdmin = false } = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const roles = isAdmin ? ["admin"] : [];
  const claims = { sub: "usr_1", sid: "ses_1", email, roles, iat: now, exp: now + 900 };
  return `h.${btoa(JSON.stringify(claims))}.s`;
}

/** A server that Ada is signed in at, with so many credits and these tasks. */
export function adasServer({
  available = 1000,
  tasks = [] as Task[],
  isAdmin = false,
} = {}): Server {
  const credits = { available, reserved: 0, balance: available };
  const summaries: Summary[] = tasks;
  const server = new Server()
    .on("POST /api/auth/refresh", () => ({
      token: tokenOf("ada@example.com", { isAdmin }),
      email: "ada@example.com",
      credits: available,
    }))
    .on("GET /api/credits/summary", () => ({
      credits: available,
      ...credits,
      lots: [],
      transactions: [],
    }))
    .on("GET /api/user", () => ({
      id: "usr_1",
      email: "ada@example.com",
      name: null,
      email_verified: true,
      credits: available,
      roles: [],
      created_at: "2026-11-01T00:00:00Z",
    }))
    .on("GET /api/events", () => new Response(new ReadableStream()))
    .on("GET /api/tasks", () => ({ tasks: summaries, next_cursor: null }));
  for (const task of tasks) server.on(`GET /api/tasks/${task.task_id}`, () => task);
  return server;
}
