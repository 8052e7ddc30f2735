/** A route of the fixtures. */

export interface Asked {
  url: URL;
  body: Record<string, unknown>;
  parts: string[];
  userId: string | null;
  email: string | null;
  token: string | null;
}

export interface Route {
  method: string;
  path: string;
  work: (asked: Asked) => unknown;
}

export const PRODUCT = process.env.PRODUCT_URL ?? "http://127.0.0.1:8080";

export function days(count: number): string {
  return new Date(Date.now() + count * 86_400_000).toISOString();
}

export function refused(status: number, code: string, detail: string, members = {}) {
  return { status, body: { type: "about:blank", title: code, status, code, detail, ...members } };
}

export async function product(path: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(PRODUCT + path, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}
