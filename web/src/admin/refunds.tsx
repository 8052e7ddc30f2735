/** Refunds: asked for by one, approved or rejected by another. */
import { answer, type Schema } from "~/api/api.ts";
import { counted, money } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { type Column, Listing } from "~/ui/listing.tsx";
import { Ago } from "~/ui/moment.tsx";
import { Page } from "~/ui/page.tsx";
import { Pill } from "~/ui/pill.tsx";
import { useActing } from "./acting.ts";
import { EVERY_REFUND } from "./keys.ts";
import { useRows } from "./paging.ts";

type Refund = Schema<"RefundView">;

const TONES: Record<string, "good" | "warn" | "bad"> = {
  requested: "warn",
  approved: "warn",
  succeeded: "good",
  failed: "bad",
};
const COLUMNS: Column<Refund>[] = [
  {
    title: "Reason",
    show: ({ reason, id }) => <span className="font-medium">{reason ?? id}</span>,
  },
  {
    title: "Status",
    show: ({ status, failure }) => (
      <span title={failure ?? undefined}>
        <Pill tone={TONES[status] ?? "calm"}>{status}</Pill>
      </span>
    ),
  },
  {
    title: "Amount",
    kind: "number",
    show: ({ amount_cents, currency }) => money(amount_cents, currency),
  },
  { title: "Credits", kind: "number", show: ({ credits }) => counted(credits) },
  { title: "Asked by", kind: "wide", show: ({ requested_by }) => requested_by },
  { title: "Decided by", kind: "wide", show: ({ decided_by }) => decided_by },
  { title: "When", show: ({ created_at }) => <Ago at={created_at} /> },
  {
    title: "Decision",
    show: (refund) => refund.status === "requested" && <Decision refund={refund} />,
  },
];

export function AdminRefunds() {
  const { api } = useProduct();
  const { rows, asking } = useRows(EVERY_REFUND, "refunds", ({ cursor, signal }) =>
    answer(api.GET("/api/admin/refunds", { params: { query: { cursor } }, signal })),
  );
  return (
    <Page
      title="Refunds"
      lead="The credits are taken when a refund is approved, and given back if it fails."
      width="wide"
    >
      <Listing
        what="the refunds"
        rows={rows}
        asking={asking}
        keyOf={({ id }) => id}
        columns={COLUMNS}
        nothing="No refund was asked for"
      />
    </Page>
  );
}

function Decision({ refund }: { refund: Refund }) {
  const { api } = useProduct();
  const params = { path: { refund_id: refund.id } };
  const approving = useActing({
    act: () => answer(api.POST("/api/admin/refunds/{refund_id}/approve", { params })),
    said: "It is approved; Stripe is asked to pay.",
    changes: [EVERY_REFUND],
  });
  const rejecting = useActing({
    act: () => answer(api.POST("/api/admin/refunds/{refund_id}/reject", { params })),
    said: "It is rejected.",
    changes: [EVERY_REFUND],
  });
  const amount = money(refund.amount_cents, refund.currency);
  return (
    <span className="flex gap-2">
      <Button
        look="primary"
        size="compact"
        busy={approving.isPending}
        aria-label={`Approve ${amount}`}
        onClick={() => approving.mutate()}
      >
        Approve
      </Button>
      <Button
        size="compact"
        busy={rejecting.isPending}
        aria-label={`Reject ${amount}`}
        onClick={() => rejecting.mutate()}
      >
        Reject
      </Button>
    </span>
  );
}
