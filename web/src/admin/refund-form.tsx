/** Money back for a payment: asked for here, approved on the page of refunds. */
import { useRef, useState } from "react";
import { answer, newKey } from "~/api/api.ts";
import { money } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { TextField } from "~/ui/field.tsx";
import { useActing } from "./acting.ts";
import { centsOf, flawOfMoney, flawOfReason } from "./amounts.ts";
import { EVERY_PAYMENT, EVERY_REFUND } from "./keys.ts";
import type { Payment } from "./payments.tsx";

interface RefundFormProps {
  payment: Payment;
  onClose: () => void;
}

export function RefundForm({ payment, onClose }: RefundFormProps) {
  const { api } = useProduct();
  const key = useRef(newKey());
  const [amount, setAmount] = useState((payment.amount_cents / 100).toFixed(2));
  const [reason, setReason] = useState("");
  const [isTried, setTried] = useState(false);
  const flaw = flawOfMoney(amount, payment.amount_cents, payment.currency);
  const isWhole = flaw === undefined && flawOfReason(reason) === undefined;
  const asking = useActing({
    act: () =>
      answer(
        api.POST("/api/admin/payments/{payment_id}/refunds", {
          params: { path: { payment_id: payment.id }, header: { "idempotency-key": key.current } },
          body: { amount_cents: centsOf(amount), reason },
        }),
      ),
    said: "The refund waits for its approval.",
    changes: [EVERY_PAYMENT, EVERY_REFUND],
    onDone: onClose,
  });
  return (
    <form
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (isWhole && !asking.isPending) asking.mutate();
      }}
    >
      <TextField
        label={`Amount in ${payment.currency.toUpperCase()}`}
        inputMode="decimal"
        value={amount}
        error={flaw}
        hint={`At most ${money(payment.amount_cents, payment.currency)}; its share of the credits is taken back.`}
        onChange={(event) => setAmount(event.target.value)}
      />
      <TextField
        label="Reason"
        value={reason}
        error={isTried ? flawOfReason(reason) : undefined}
        onChange={(event) => setReason(event.target.value)}
      />
      <Button
        type="submit"
        look="primary"
        busy={asking.isPending}
        aria-disabled={!isWhole || undefined}
      >
        Ask for the refund
      </Button>
    </form>
  );
}
