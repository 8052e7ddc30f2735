/** Credits given by hand, and why. */
import { useRef, useState } from "react";
import { answer, newKey } from "~/api/api.ts";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { TextField } from "~/ui/field.tsx";
import { useActing } from "./acting.ts";
import { flawOfCredits, flawOfReason } from "./amounts.ts";
import { EVERY_USER } from "./keys.ts";
import type { User } from "./users.tsx";

/** One key for one grant: pressed twice, or sent again after an outage, it is given once. */
export function GrantForm({ user }: { user: User }) {
  const { api } = useProduct();
  const key = useRef(newKey());
  const [amount, setAmount] = useState("");
  const [reason, setReason] = useState("");
  const [isTried, setTried] = useState(false);
  const granting = useActing({
    act: () =>
      answer(
        api.POST("/api/credits/grant", {
          body: {
            user_id: user.id,
            amount: Number(amount.trim()),
            reason,
            idempotency_key: key.current,
          },
        }),
      ),
    said: "The credits are given.",
    changes: [EVERY_USER],
    onDone: () => {
      key.current = newKey();
      setTried(false);
      setAmount("");
      setReason("");
    },
  });
  const isWhole = flawOfCredits(amount) === undefined && flawOfReason(reason) === undefined;
  return (
    <form
      className="grid gap-4 rounded-card bg-hover p-4"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (isWhole && !granting.isPending) granting.mutate();
      }}
    >
      <h3 className="font-semibold">Give credits</h3>
      <TextField
        label="Credits"
        inputMode="numeric"
        value={amount}
        error={isTried || amount !== "" ? flawOfCredits(amount) : undefined}
        onChange={(event) => setAmount(event.target.value)}
      />
      <TextField
        label="Reason"
        value={reason}
        error={isTried ? flawOfReason(reason) : undefined}
        maxLength={500}
        hint="The customer reads it in the transactions."
        onChange={(event) => setReason(event.target.value)}
      />
      <Button
        type="submit"
        look="primary"
        busy={granting.isPending}
        aria-disabled={!isWhole || undefined}
      >
        Give
      </Button>
    </form>
  );
}
