/** Parked events: those that a service could not handle, until a person replays or discards them. */
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useProduct } from "~/product.ts";
import { LongText } from "~/ui/facts.tsx";
import { type Column, Listing } from "~/ui/listing.tsx";
import { Ago } from "~/ui/moment.tsx";
import { Notice } from "~/ui/notice.tsx";
import { Page } from "~/ui/page.tsx";
import { Pill } from "~/ui/pill.tsx";
import { Select } from "~/ui/select.tsx";
import { EventSheet } from "./event-sheet.tsx";
import { EVERY_EVENT } from "./keys.ts";
import { useRows } from "./paging.ts";
import {
  isService,
  isTriedSoon,
  listAllParked,
  listParked,
  type ParkedEvent,
  type ParkedPage,
  SERVICES,
} from "./parked.ts";

const route = getRouteApi("/own/admin/events");
const OPTIONS = [
  { value: "", name: "All services" },
  ...SERVICES.map((service) => ({ value: service, name: service })),
];
const COLUMNS: Column<ParkedEvent>[] = [
  { title: "Event", show: ({ name }) => <span className="font-medium">{name}</span> },
  { title: "Service", show: ({ service }) => service },
  {
    title: "State",
    show: ({ state }) => <Pill tone={state === "parked" ? "bad" : "warn"}>{state}</Pill>,
  },
  { title: "Tries", kind: "number", show: ({ attempt }) => attempt },
  {
    title: "Reason",
    kind: "wide",
    show: ({ reason }) => <LongText>{reason}</LongText>,
  },
  { title: "Last failed", show: ({ last_failed_at }) => <Ago at={last_failed_at} /> },
];

/** What is not in the list: of whom nothing is known, and of whom not everything is shown. */
function Left({ pages }: { pages: readonly ParkedPage[] }) {
  const silent = pages.flatMap((page) => page.silent ?? []);
  const cut = pages.flatMap((page) => page.cut ?? []);
  return (
    <>
      {silent.length > 0 && (
        <Notice tone="warn" title={`No answer from ${silent.join(", ")}`}>
          What is parked there is not in this list.
        </Notice>
      )}
      {cut.length > 0 && (
        <Notice tone="info">
          Only the newest of {cut.join(", ")} are shown. Choose a service to see older ones.
        </Notice>
      )}
    </>
  );
}

export function AdminEvents() {
  const { api } = useProduct();
  const navigate = useNavigate();
  const search = route.useSearch();
  const { service, event } = search;
  const go = (change: Partial<typeof search>) =>
    void navigate({ to: "/admin/events", search: { ...search, ...change } });
  const { rows, asking } = useRows(
    [...EVERY_EVENT, { service }],
    "events",
    (asked) => (isService(service) ? listParked(api, service, asked) : listAllParked(api, asked)),
    isTriedSoon,
  );
  const opened = rows?.find(({ id }) => id === event);
  return (
    <Page
      title="Parked events"
      lead="What a service could not handle. Replayed, it is handled again, and what it did already is not done twice."
      width="wide"
    >
      <search className="w-52">
        <Select
          label="Of"
          options={OPTIONS}
          value={service ?? ""}
          onChoose={(chosen) => go({ service: chosen || undefined })}
        />
      </search>
      {event !== undefined && rows !== undefined && !opened && (
        <Notice tone="info">
          The event that the address names is not in this list: it was handled, or given up.
        </Notice>
      )}
      <Left pages={asking.data?.pages ?? []} />
      <Listing
        what="the parked events"
        rows={rows}
        asking={asking}
        keyOf={({ id }) => id}
        columns={COLUMNS}
        open={{ label: ({ name }) => `Open ${name}`, onOpen: ({ id }) => go({ event: id }) }}
        nothing="No event is parked"
      />
      {opened && <EventSheet event={opened} onClose={() => go({ event: undefined })} />}
    </Page>
  );
}
