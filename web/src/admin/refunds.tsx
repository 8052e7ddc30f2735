/** Refunds: asked for by one, approved or rejected by another. */
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { answer, type Schema } from "~/api/api.ts";
import { useProduct } from "~/product.ts";
import { oneOf } from "~/routes/search.ts";
import { LongText } from "~/ui/facts.tsx";
import { type Column, Listing } from "~/ui/listing.tsx";
import { Ago } from "~/ui/moment.tsx";
import { Page } from "~/ui/page.tsx";
import { Pill } from "~/ui/pill.tsx";
import { Select } from "~/ui/select.tsx";
import { TEXT_LINK } from "~/ui/text-link.ts";
import { EVERY_REFUND } from "./keys.ts";
import { useRows } from "./paging.ts";
import { amountOf, payerOf, type Refund } from "./refund.ts";
import { Decision } from "./refund-decision.tsx";

type Status = Schema<"RefundStatus">;

const route = getRouteApi("/own/admin/refunds");
const TONES: Record<Status, "calm" | "good" | "warn" | "bad"> = {
  requested: "warn",
  approved: "warn",
  made: "good",
  failed: "bad",
  rejected: "calm",
};
const STATUSES = Object.keys(TONES) as Status[];
const OPTIONS = ["", ...STATUSES].map((value) => ({ value, name: value || "All of them" }));
const COLUMNS: Column<Refund>[] = [
  { title: "Payer", show: (refund) => <PaymentLink refund={refund} /> },
  {
    title: "Status",
    show: ({ status, failure }) => (
      <span title={failure ?? undefined}>
        <Pill tone={TONES[status]}>{status}</Pill>
      </span>
    ),
  },
  {
    title: "Amount",
    kind: "number",
    show: amountOf,
  },
  { title: "Reason", show: ({ reason }) => <LongText>{reason}</LongText> },
  { title: "Asked by", kind: "wide", show: ({ requested_by }) => requested_by },
  { title: "Decided by", kind: "wide", show: decidedBy },
  { title: "When", show: ({ created_at }) => <Ago at={created_at} /> },
  {
    title: "Decision",
    show: (refund) => refund.status === "requested" && <Decision refund={refund} />,
  },
];

export function AdminRefunds() {
  const { api } = useProduct();
  const navigate = useNavigate();
  const status = oneOf(STATUSES, route.useSearch().status);
  const { rows, asking } = useRows(
    [...EVERY_REFUND, { status }],
    "refunds",
    ({ cursor, signal }) =>
      answer(api.GET("/api/admin/refunds", { params: { query: { status, cursor } }, signal })),
    ({ status }) => status === "approved",
  );
  return (
    <Page
      title="Refunds"
      lead="The credits are taken when a refund is approved, and given back if it fails."
      width="wide"
    >
      <search className="w-44">
        <Select
          label="Show"
          options={OPTIONS}
          value={status ?? ""}
          onChoose={(chosen) =>
            void navigate({ to: "/admin/refunds", search: { status: chosen || undefined } })
          }
        />
      </search>
      <Listing
        what="the refunds"
        rows={rows}
        asking={asking}
        keyOf={({ id }) => id}
        columns={COLUMNS}
        nothing="There is no such refund"
      />
    </Page>
  );
}

function PaymentLink({ refund }: { refund: Refund }) {
  return (
    <Link
      to="/admin/payments"
      search={{ q: refund.payer ?? undefined }}
      className={TEXT_LINK}
      title={refund.payment_id}
    >
      {payerOf(refund)}
    </Link>
  );
}

function decidedBy({ steps }: Refund): string | null {
  return steps.find(({ step }) => step === "approved" || step === "rejected")?.by ?? null;
}
