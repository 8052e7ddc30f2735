/** One payment, and what is to be done about it: money back, or a decision where no rule knows it. */
import { useState } from "react";
import { answer } from "~/api/api.ts";
import { counted, credits, money } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Dialog } from "~/ui/dialog.tsx";
import { Facts, Id } from "~/ui/facts.tsx";
import { TextField } from "~/ui/field.tsx";
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

/** What is decided about a payment in review: how many credits it buys, or that its money goes back at Stripe. */
function Closing({ payment, onClose }: PaymentProps) {
  const { api } = useProduct();
  const [written, setWritten] = useState("");
  const isNumber = /^\d{0,9}$/.test(written.trim());
  const bought = isNumber ? Number(written.trim()) : 0;
  const closing = useActing<string>({
    act: (reason) =>
      answer(
        api.POST("/api/admin/payments/{payment_id}/close", {
          params: { path: { payment_id: payment.id } },
          body: { reason, credits: bought },
        }),
      ),
    said: bought > 0 ? `The payer gets ${credits(bought)}.` : "It waits for nobody any more.",
    changes: [EVERY_PAYMENT],
    onDone: onClose,
  });
  return (
    <div className="grid gap-4">
      <TextField
        label="Credits that it buys"
        inputMode="numeric"
        value={written}
        hint="The payer gets them as with any payment. None, where the money was given back at Stripe."
        error={isNumber ? undefined : "A whole number."}
        onChange={(event) => setWritten(event.target.value)}
      />
      <ReasonForm
        label="Why"
        action={bought > 0 ? `Grant ${credits(bought)}` : "Close it"}
        busy={closing.isPending}
        onSay={(reason) => isNumber && closing.mutate(reason)}
      />
    </div>
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
