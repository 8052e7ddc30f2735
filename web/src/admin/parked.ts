/** Where each service keeps the events that it could not handle. */
import { type Api, answer, type Schema } from "~/api/api.ts";
import type { Asked } from "./paging.ts";

export type ParkedEvent = Schema<"ParkedEvent"> & { service: Service };
export type ParkedEventInFull = Schema<"ParkedEventInFull">;

export const SERVICES = ["auth", "billing", "tasks", "notifier", "agent-runner"] as const;
export type Service = (typeof SERVICES)[number];

export function isService(name: string | undefined): name is Service {
  return SERVICES.some((service) => service === name);
}

const SOON_MS = 10_000;

/** Whether an event is handled at this moment, or will be before anybody has looked away. */
export function isTriedSoon({ state, retry_at }: ParkedEvent): boolean {
  if (state !== "retrying") return state === "attempting";
  return retry_at !== null && Date.parse(retry_at) < Date.now() + SOON_MS;
}

export async function listParked(
  api: Api,
  service: Service,
  { cursor, signal }: Asked,
): Promise<ParkedPage> {
  const page = await answer(
    api.GET(`/api/admin/events/${service}` as "/api/admin/events/auth", {
      params: { query: { cursor } },
      signal,
    }),
  );
  return { ...page, events: page.events.map((event) => ({ ...event, service })) };
}

export interface ParkedPage {
  events: ParkedEvent[];
  next_cursor: string | null;
  /** Which services did not answer, and which have more than is shown. */
  silent?: Service[];
  cut?: Service[];
}

/** The newest that all services have parked; who does not answer is left out of it, and named. */
export async function listAllParked(api: Api, asked: Asked): Promise<ParkedPage> {
  const pages = await Promise.allSettled(
    SERVICES.map((service) => listParked(api, service, asked)),
  );
  const given = pages.flatMap((page) => (page.status === "fulfilled" ? [page.value] : []));
  const [refused] = pages.flatMap((page) => (page.status === "rejected" ? [page] : []));
  if (refused && given.length === 0) throw refused.reason;
  const events = given.flatMap((page) => page.events);
  events.sort((one, other) => other.last_failed_at.localeCompare(one.last_failed_at));
  const silent = SERVICES.filter((_, place) => pages[place]?.status === "rejected");
  const cut = SERVICES.filter((_, place) => {
    const page = pages[place];
    return page?.status === "fulfilled" && page.value.next_cursor !== null;
  });
  return { events, next_cursor: null, silent, cut };
}

export function showParked(api: Api, service: Service, parkedId: string, signal: AbortSignal) {
  return answer(api.GET(one(service), { params: { path: { parked_id: parkedId } }, signal }));
}

export function replayParked(api: Api, service: Service, parkedId: string) {
  const path = `${one(service)}/replay` as "/api/admin/events/auth/{parked_id}/replay";
  return answer(api.POST(path, { params: { path: { parked_id: parkedId } } }));
}

export function discardParked(api: Api, service: Service, parkedId: string, reason: string) {
  const path = `${one(service)}/discard` as "/api/admin/events/auth/{parked_id}/discard";
  return answer(api.POST(path, { params: { path: { parked_id: parkedId } }, body: { reason } }));
}

/** The services' paths are alike. */
function one(service: Service): "/api/admin/events/auth/{parked_id}" {
  return `/api/admin/events/${service}/{parked_id}` as "/api/admin/events/auth/{parked_id}";
}
