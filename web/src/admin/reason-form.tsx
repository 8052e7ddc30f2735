/** A decision that needs a reason: the form that asks for it. */
import { useState } from "react";
import { Button } from "~/ui/button.tsx";
import { TextField } from "~/ui/field.tsx";
import { flawOfReason } from "./amounts.ts";

interface ReasonFormProps {
  label: string;
  hint?: string;
  /** What is done, in words. */
  action: string;
  busy: boolean;
  onSay: (reason: string) => void;
}

export function ReasonForm({ label, hint, action, busy, onSay }: ReasonFormProps) {
  const [reason, setReason] = useState("");
  const [isTried, setTried] = useState(false);
  const flaw = flawOfReason(reason);
  return (
    <form
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (flaw === undefined && !busy) onSay(reason);
      }}
    >
      <TextField
        label={label}
        hint={hint}
        error={isTried ? flaw : undefined}
        value={reason}
        maxLength={500}
        onChange={(event) => setReason(event.target.value)}
      />
      <Button
        type="submit"
        look="primary"
        busy={busy}
        aria-disabled={flaw !== undefined || undefined}
      >
        {action}
      </Button>
    </form>
  );
}
