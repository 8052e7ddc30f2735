/** Answers of the endpoints that are not there yet, for development alone: nothing in src/ knows of them.

    FIXTURES=1 ADMIN_API_KEY=… STRIPE_WEBHOOK_SECRET=… npm run dev

Credits that are bought here are really granted by the product: to users by the operators' key, to guests by an
event that is signed as Stripe signs it.
*/
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, PluginOption } from "vite";
import { adminRoutes } from "./admin.ts";
import { billingRoutes } from "./billing.ts";
import type { Asked, Route } from "./route.ts";

const ROUTES: Route[] = [...billingRoutes, ...adminRoutes];

export function fixtures(): PluginOption[] {
  if (!process.env.FIXTURES) return [];
  return [
    {
      name: "fixtures",
      configureServer: (server) => void server.middlewares.use(answer),
      configurePreviewServer: (server) => void server.middlewares.use(answer),
    },
  ];
}

const answer: Connect.NextHandleFunction = (request, response, next) => {
  const url = new URL(request.url ?? "/", "http://fixtures");
  for (const { method, path, work } of ROUTES) {
    const match = new RegExp(`^${path}$`).exec(url.pathname);
    if (match === null || method !== request.method) continue;
    void read(request)
      .then(async (body) => work({ url, body, parts: match.slice(1), ...bearer(request) }))
      .then((answered) => send(response, answered as Answered))
      .catch((flaw) => send(response, { status: 500, body: { detail: String(flaw) } }));
    return;
  }
  next();
};

async function read(request: IncomingMessage): Promise<Record<string, unknown>> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  return text === "" ? {} : JSON.parse(text);
}

function bearer(request: IncomingMessage): Pick<Asked, "userId" | "email" | "token"> {
  const token = request.headers.authorization?.replace("Bearer ", "") ?? null;
  if (token === null) return { userId: null, email: null, token };
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  return { userId: claims.sub, email: claims.email, token };
}

interface Answered {
  status?: number;
  body?: unknown;
  html?: string;
  location?: string;
}

function send(response: ServerResponse, { status = 200, body, html, location }: Answered): void {
  if (location) response.setHeader("location", location);
  response.statusCode = location ? 303 : status;
  if (html !== undefined) {
    response.setHeader("content-type", "text/html");
    response.end(html);
    return;
  }
  const isProblem = status >= 400;
  response.setHeader("content-type", isProblem ? "application/problem+json" : "application/json");
  response.end(body === undefined ? "" : JSON.stringify(body));
}
