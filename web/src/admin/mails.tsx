/** Mails, and how far each has come. */
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { answer, type Schema } from "~/api/api.ts";
import { useProduct } from "~/product.ts";
import { oneOf } from "~/routes/search.ts";
import { LongText } from "~/ui/facts.tsx";
import { type Column, Listing } from "~/ui/listing.tsx";
import { Ago } from "~/ui/moment.tsx";
import { Page } from "~/ui/page.tsx";
import { Pill } from "~/ui/pill.tsx";
import { Select } from "~/ui/select.tsx";
import { EVERY_MAIL } from "./keys.ts";
import { OfUser } from "./of-user.tsx";
import { useRows } from "./paging.ts";
import { worded } from "./words.ts";

type Mail = Schema<"MessageView">;
type State = Schema<"State">;

const route = getRouteApi("/own/admin/mails");
const TONES: Record<State, "good" | "busy" | "bad"> = {
  queued: "busy",
  sending: "busy",
  sent: "good",
  failed: "bad",
};
const STATES = Object.keys(TONES) as State[];
const OPTIONS = ["", ...STATES].map((value) => ({
  value,
  name: value || "All of them",
}));
const COLUMNS: Column<Mail>[] = [
  {
    title: "To",
    show: ({ to_address }) => <span className="font-medium">{to_address ?? "not known yet"}</span>,
  },
  {
    title: "Mail",
    show: ({ template }) => <span className="whitespace-nowrap">{worded(template)}</span>,
  },
  { title: "State", show: ({ state }) => <Pill tone={TONES[state]}>{state}</Pill> },
  { title: "Tries", kind: "number", show: ({ attempts }) => attempts },
  { title: "Error", kind: "wide", show: ({ error }) => <LongText>{error}</LongText> },
  { title: "When", show: ({ created_at }) => <Ago at={created_at} /> },
];

export function AdminMails() {
  const { api } = useProduct();
  const navigate = useNavigate();
  const search = route.useSearch();
  const { user } = search;
  const state = oneOf(STATES, search.state);
  const go = (change: Partial<typeof search>) =>
    void navigate({ to: "/admin/mails", search: { ...search, ...change } });
  const { rows, asking } = useRows(
    [...EVERY_MAIL, { state, user }],
    "messages",
    ({ cursor, signal }) =>
      answer(
        api.GET("/api/admin/messages", {
          params: { query: { state, user_id: user, cursor } },
          signal,
        }),
      ),
  );
  return (
    <Page title="Mails" lead="Each is sent once for its cause." width="wide">
      <search className="flex flex-wrap items-end gap-3">
        <div className="w-52">
          <Select
            label="Show"
            options={OPTIONS}
            value={state ?? ""}
            onChoose={(chosen) => go({ state: chosen || undefined })}
          />
        </div>
        <OfUser userId={user} onClear={() => go({ user: undefined })} />
      </search>
      <Listing
        what="the mails"
        rows={rows}
        asking={asking}
        keyOf={({ id }) => id}
        columns={COLUMNS}
        nothing="There is no such mail"
      />
    </Page>
  );
}
