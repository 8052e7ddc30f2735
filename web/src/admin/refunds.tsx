/** Refunds: asked for by one, approved or rejected by another. */
import { useState } from "react";
import { answer, type Schema } from "~/api/api.ts";
import { money } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { Confirm, Dialog } from "~/ui/dialog.tsx";
import { type Column, Listing } from "~/ui/listing.tsx";
import { Ago } from "~/ui/moment.tsx";
import { Page } from "~/ui/page.tsx";
import { Pill } from "~/ui/pill.tsx";
import { useActing } from "./acting.ts";
import { EVERY_PAYMENT, EVERY_REFUND } from "./keys.ts";
import { useRows } from "./paging.ts";
import { ReasonForm } from "./reason-form.tsx";

type Refund = Schema<"RefundView">;

const CURRENCY = "usd"; // whatever else is paid is in review, and has no refund here
const TONES: Record<string, "good" | "warn" | "bad"> = {
  requested: "warn",
  approved: "warn",
  made: "good",
  failed: "bad",
};
const COLUMNS: Column<Refund>[] = [
  { title: "Reason", show: ({ reason }) => <span className="font-medium">{reason}</span> },
  {
    title: "Status",
    show: ({ status, failure }) => (
      <span title={failure ?? undefined}>
        <Pill tone={TONES[status] ?? "calm"}>{status}</Pill>
      </span>
    ),
  },
  { title: "Amount", kind: "number", show: ({ amount_cents }) => money(amount_cents, CURRENCY) },
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
  const { rows, asking } = useRows(
    EVERY_REFUND,
    "refunds",
    ({ cursor, signal }) =>
      answer(api.GET("/api/admin/refunds", { params: { query: { cursor } }, signal })),
    ({ status }) => status === "approved",
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

function decidedBy({ steps }: Refund): string | null {
  return steps.find(({ step }) => step === "approved" || step === "rejected")?.by ?? null;
}

function Decision({ refund }: { refund: Refund }) {
  const { api } = useProduct();
  const [isApproving, setApproving] = useState(false);
  const [isRejecting, setRejecting] = useState(false);
  const approving = useActing({
    act: () =>
      answer(
        api.POST("/api/admin/refunds/{refund_id}/approve", {
          params: { path: { refund_id: refund.id } },
        }),
      ),
    said: "It is approved; Stripe is asked to pay.",
    changes: [EVERY_REFUND, EVERY_PAYMENT],
  });
  const amount = money(refund.amount_cents, CURRENCY);
  return (
    <span className="flex gap-2">
      <Button
        look="primary"
        size="compact"
        busy={approving.isPending}
        onClick={() => setApproving(true)}
      >
        Approve<span className="sr-only"> {amount}</span>
      </Button>
      <Button size="compact" onClick={() => setRejecting(true)}>
        Reject<span className="sr-only"> {amount}</span>
      </Button>
      <Confirm
        open={isApproving}
        onClose={() => setApproving(false)}
        title={`Pay ${amount} back?`}
        description="Stripe is asked to pay at once, and the credits are taken back."
        action="Pay it back"
        refusal="Not now"
        look="primary"
        onConfirm={() => approving.mutate()}
      />
      {isRejecting && <RejectDialog refund={refund} onClose={() => setRejecting(false)} />}
    </span>
  );
}

function RejectDialog({ refund, onClose }: { refund: Refund; onClose: () => void }) {
  const { api } = useProduct();
  const rejecting = useActing<string>({
    act: (reason) =>
      answer(
        api.POST("/api/admin/refunds/{refund_id}/reject", {
          params: { path: { refund_id: refund.id } },
          body: { reason },
        }),
      ),
    said: "It is rejected.",
    changes: [EVERY_REFUND],
    onDone: onClose,
  });
  return (
    <Dialog open onClose={onClose} title="Reject this refund?" description={refund.reason}>
      <ReasonForm
        label="Why the money stays"
        action="Reject"
        busy={rejecting.isPending}
        onSay={rejecting.mutate}
      />
    </Dialog>
  );
}
