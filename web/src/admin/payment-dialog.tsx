/** One payment, and what is to be done about it: money back, or a decision where no rule knows it. */
import { answer } from "~/api/api.ts";
import { counted, credits, money } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Dialog } from "~/ui/dialog.tsx";
import { Facts, Id } from "~/ui/facts.tsx";
import { Moment } from "~/ui/moment.tsx";
import { useActing } from "./acting.ts";
import { EVERY_PAYMENT } from "./keys.ts";
import type { Payment } from "./payments.tsx";
import { ReasonForm } from "./reason-form.tsx";
import { RefundForm } from "./refund-form.tsx";

interface PaymentProps {
  payment: Payment;
  onClose: () => void;
}

export function PaymentDialog({ payment, onClose }: PaymentProps) {
  return (
    <Dialog open onClose={onClose} title={payment.email ?? "Payment"}>
      <Facts
        of={[
          ["Amount", money(payment.amount_cents, payment.currency)],
          ["Credits", counted(payment.credits)],
          ["Status", payment.status],
          ["Note", payment.note],
          ["Paid", payment.paid_at && <Moment key="paid" at={payment.paid_at} />],
          ["At Stripe", atStripe(payment) && <Id key="stripe" id={atStripe(payment) ?? ""} />],
          ["Taken back", takenBack(payment)],
          ["Id", <Id key="id" id={payment.id} />],
        ]}
      />
      <ToDo payment={payment} onClose={onClose} />
    </Dialog>
  );
}

function ToDo({ payment, onClose }: PaymentProps) {
  if (payment.status === "review") return <Closing payment={payment} onClose={onClose} />;
  return payment.paid_at && <RefundForm payment={payment} onClose={onClose} />;
}

/** What was done about a payment in review: its money is given back at Stripe, or its credits are given by hand. */
function Closing({ payment, onClose }: PaymentProps) {
  const { api } = useProduct();
  const closing = useActing<string>({
    act: (reason) =>
      answer(
        api.POST("/api/admin/payments/{payment_id}/close", {
          params: { path: { payment_id: payment.id } },
          body: { reason },
        }),
      ),
    said: "It waits for nobody any more.",
    changes: [EVERY_PAYMENT],
    onDone: onClose,
  });
  return (
    <ReasonForm
      label="What was done about it"
      hint="Give the money back at Stripe, or the credits to the user, first: closing moves neither."
      action="Close it"
      busy={closing.isPending}
      onSay={closing.mutate}
    />
  );
}

function atStripe(payment: Payment): string | null {
  return (
    payment.stripe_payment_intent_id ??
    payment.stripe_invoice_id ??
    payment.stripe_checkout_session_id
  );
}

function takenBack({ refund_taken, dispute_taken }: Payment): string | null {
  const taken = refund_taken + dispute_taken;
  return taken > 0 ? credits(taken) : null;
}
