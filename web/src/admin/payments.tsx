/** Payments; those in review need a person. */
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { answer, type Schema } from "~/api/api.ts";
import { counted, money } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { oneOf } from "~/routes/search.ts";
import { Id } from "~/ui/facts.tsx";
import { type Column, Listing } from "~/ui/listing.tsx";
import { Ago } from "~/ui/moment.tsx";
import { Page } from "~/ui/page.tsx";
import { Pill } from "~/ui/pill.tsx";
import { SearchField } from "~/ui/search-field.tsx";
import { Select } from "~/ui/select.tsx";
import { EVERY_PAYMENT } from "./keys.ts";
import { useRows } from "./paging.ts";
import { PaymentDialog } from "./payment-dialog.tsx";

export type Payment = Schema<"PaymentView">;
type Status = Schema<"PaymentStatus">;

const route = getRouteApi("/own/admin/payments");
const TONES: Record<Status, "good" | "warn" | "calm" | "bad"> = {
  open: "calm",
  arrived: "warn",
  paid: "warn",
  granted: "good",
  review: "bad",
  failed: "calm",
  expired: "calm",
  closed: "calm",
};
const STATUSES = Object.keys(TONES) as Status[];
const OPTIONS = ["", ...STATUSES].map((value) => ({
  value,
  name: value || "All of them",
}));
const COLUMNS: Column<Payment>[] = [
  { title: "Payer", show: ({ email, id }) => <span className="font-medium">{email ?? id}</span> },
  {
    title: "Status",
    show: ({ status, note }) => (
      <span title={note ?? undefined}>
        <Pill tone={TONES[status as Status] ?? "calm"}>{status}</Pill>
      </span>
    ),
  },
  {
    title: "Amount",
    kind: "number",
    show: ({ amount_cents, currency }) => money(amount_cents, currency),
  },
  { title: "Credits", kind: "number", show: ({ credits }) => counted(credits) },
  { title: "Payment", kind: "wide", show: ({ id }) => <Id id={id} /> },
  { title: "When", show: ({ created_at }) => <Ago at={created_at} /> },
];

export function AdminPayments() {
  const { api } = useProduct();
  const navigate = useNavigate();
  const search = route.useSearch();
  const { q } = search;
  const status = oneOf(STATUSES, search.status);
  const [opened, setOpened] = useState<Payment | null>(null);
  const go = (change: Partial<typeof search>) =>
    void navigate({ to: "/admin/payments", search: { ...search, ...change }, replace: true });
  const { rows, asking } = useRows(
    [...EVERY_PAYMENT, { status, q }],
    "payments",
    ({ cursor, signal }) =>
      answer(
        api.GET("/api/admin/payments", {
          params: { query: { status, email: q, cursor } },
          signal,
        }),
      ),
  );
  return (
    <Page
      title="Payments"
      lead="Those in review need a person. Open one to give money back."
      width="wide"
    >
      <search className="flex flex-wrap items-end gap-3">
        <div className="w-44">
          <Select
            label="Show"
            options={OPTIONS}
            value={status ?? ""}
            onChoose={(chosen) => go({ status: chosen || undefined })}
          />
        </div>
        <div className="flex min-h-11 w-72 items-center">
          <SearchField
            label="Find by e-mail"
            text={q ?? ""}
            onSearch={(words) => go({ q: words || undefined })}
          />
        </div>
      </search>
      <Listing
        what="the payments"
        rows={rows}
        asking={asking}
        keyOf={({ id }) => id}
        columns={COLUMNS}
        open={{
          label: ({ email, id }) => `Open the payment of ${email ?? id}`,
          onOpen: setOpened,
        }}
        nothing="There is no such payment"
      />
      {opened && <PaymentDialog payment={opened} onClose={() => setOpened(null)} />}
    </Page>
  );
}
