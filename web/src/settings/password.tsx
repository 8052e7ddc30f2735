/** The change of a password; every other device is signed out by it. */
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { answer } from "~/api/api.ts";
import { knownPassword, newPassword, PASSWORD_HINT } from "~/entrance/fields.ts";
import { useProduct, useSession } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { Card, Section } from "~/ui/card.tsx";
import { PasswordField } from "~/ui/field.tsx";
import { checkedBy, useSending } from "~/ui/form.ts";
import { notifySuccess } from "~/ui/notify.ts";
import { Problem } from "~/ui/problem.tsx";
import { SESSIONS } from "./keys.ts";

const schema = z.object({ current_password: knownPassword, password: newPassword });

export function Password() {
  const { api, queries } = useProduct();
  const state = useSession();
  const form = useForm({
    resolver: checkedBy(schema),
    defaultValues: { current_password: "", password: "" },
  });
  const { submit, problem, isBusy } = useSending(form, async (body) => {
    await answer(api.POST("/api/auth/password/change", { body }));
    form.reset();
    notifySuccess("Your password is changed. Every other device is signed out within 15 minutes.");
    void queries.invalidateQueries({ queryKey: SESSIONS });
  });
  const { errors } = form.formState;
  return (
    <Section title="Password">
      <Card>
        <form onSubmit={submit} noValidate className="grid gap-5">
          {problem !== null && <Problem problem={problem} />}
          {state.status === "signed-in" && (
            <input type="hidden" autoComplete="username" value={state.email} readOnly />
          )}
          <PasswordField
            {...form.register("current_password")}
            label="Current password"
            autoComplete="current-password"
            error={errors.current_password?.message}
          />
          <PasswordField
            {...form.register("password")}
            label="New password"
            autoComplete="new-password"
            hint={PASSWORD_HINT}
            error={errors.password?.message}
          />
          <div className="flex flex-wrap items-center justify-between gap-4">
            <p className="text-caption text-soft">
              Every other device is signed out within 15 minutes.
            </p>
            <Button type="submit" look="primary" busy={isBusy}>
              Change password
            </Button>
          </div>
        </form>
      </Card>
    </Section>
  );
}
