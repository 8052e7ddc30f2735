/** The HTTP API with its types: what is asked for, or the refusal thrown.

    const task = await answer(api.GET("/api/tasks/{task_id}", { params: { path: { task_id } } }));
*/
import createClient, { type Client } from "openapi-fetch";
import { refusalOf, Unreachable } from "./problems.ts";
import type { components, paths } from "./schema.d.ts";

export type Api = Client<paths, "application/json">;
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];
export type Fetch = (request: Request) => Promise<Response>;

export function apiBy(fetch: Fetch): Api {
  return createClient<paths, "application/json">({
    baseUrl: location.origin,
    fetch,
    querySerializer: { array: { style: "form", explode: true } },
  });
}

interface Asked<Answer> {
  data?: Answer;
  error?: unknown;
  response: Response;
}

/** The answer's body; throws Refusal, or Unreachable. */
export async function answer<Answer>(asking: Promise<Asked<Answer>>): Promise<Answer> {
  const { data, error, response } = await asking;
  if (!response.ok) throw refusalOf(response, error);
  return data as Answer;
}

/** Fetch whose silence is Unreachable; a request that was given up stays given up. */
export async function reach(fetch: Fetch, request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (flaw) {
    if (flaw instanceof DOMException && flaw.name === "AbortError") throw flaw;
    if (flaw instanceof TypeError) throw new Unreachable();
    throw flaw;
  }
}

/** A key under which a request has its effect once, however often it is sent. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
