/** The form for a new password, with the address it is for where a browser keeps passwords. */
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { PasswordField } from "~/ui/field.tsx";
import { checkedBy, useSending } from "~/ui/form.ts";
import { DoorForm } from "./door.tsx";
import { newPassword, PASSWORD_HINT } from "./fields.ts";

const schema = z.object({ password: newPassword });

interface NewPasswordProps {
  action: string;
  onChoose: (password: string) => Promise<void>;
  email?: string | null;
}

export function NewPassword({ action, onChoose, email }: NewPasswordProps) {
  const form = useForm({ resolver: checkedBy(schema), defaultValues: { password: "" } });
  const { submit, problem, isBusy } = useSending(form, ({ password }) => onChoose(password));
  return (
    <DoorForm onSubmit={submit} problem={problem} isBusy={isBusy} action={action}>
      {email && <input type="hidden" autoComplete="username" value={email} readOnly />}
      <PasswordField
        {...form.register("password")}
        label="New password"
        autoComplete="new-password"
        hint={PASSWORD_HINT}
        error={form.formState.errors.password?.message}
      />
    </DoorForm>
  );
}
