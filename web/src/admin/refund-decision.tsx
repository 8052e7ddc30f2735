/** What becomes of a refund that was asked for: approved, or rejected with a reason. */
import { useEffect, useState } from "react";
import { answer } from "~/api/api.ts";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { Confirm, Dialog } from "~/ui/dialog.tsx";
import { useActing } from "./acting.ts";
import { EVERY_PAYMENT, EVERY_REFUND } from "./keys.ts";
import { ReasonForm } from "./reason-form.tsx";
import { amountOf, payerOf, type Refund } from "./refund.ts";

export function Decision({ refund }: { refund: Refund }) {
  useGoneFocus();
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
  const amount = amountOf(refund);
  const payer = payerOf(refund);
  return (
    <span className="flex gap-2">
      <Button
        look="primary"
        size="compact"
        busy={approving.isPending}
        onClick={() => setApproving(true)}
      >
        Approve<span className="sr-only"> {`${amount} to ${payer}`}</span>
      </Button>
      <Button size="compact" onClick={() => setRejecting(true)}>
        Reject<span className="sr-only"> {`${amount} to ${payer}`}</span>
      </Button>
      <Confirm
        open={isApproving}
        onClose={() => setApproving(false)}
        title={`Pay ${amount} back to ${payer}?`}
        description={`Stripe is asked to pay at once, and the credits are taken back. Asked for by ${refund.requested_by}: ${refund.reason}`}
        action="Pay it back"
        refusal="Not now"
        look="primary"
        onConfirm={() => approving.mutate()}
      />
      {isRejecting && <RejectDialog refund={refund} onClose={() => setRejecting(false)} />}
    </span>
  );
}

/** Once it is decided the buttons are gone: who pressed them goes on at the top of the page. */
function useGoneFocus(): void {
  useEffect(
    () => () => {
      if (document.activeElement !== document.body) return;
      document.querySelector("h1")?.focus({ preventScroll: true });
    },
    [],
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
    <Dialog
      open
      onClose={onClose}
      title={`Reject the refund of ${amountOf(refund)} to ${payerOf(refund)}?`}
      description={refund.reason}
    >
      <ReasonForm
        label="Why the money stays"
        action="Reject"
        busy={rejecting.isPending}
        onSay={rejecting.mutate}
      />
    </Dialog>
  );
}
