/** A forgotten password: a link is mailed, if there is an account; the answer does not tell. */
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { answer } from "~/api/api.ts";
import { useProduct } from "~/product.ts";
import { TextField } from "~/ui/field.tsx";
import { checkedBy, useSending } from "~/ui/form.ts";
import { Notice } from "~/ui/notice.tsx";
import { TEXT_LINK } from "~/ui/text-link.ts";
import { Door, DoorForm } from "./door.tsx";
import { address } from "./fields.ts";

const route = getRouteApi("/entrance/forgot");
const schema = z.object({ email: address });

export function Forgot() {
  const { api } = useProduct();
  const { email } = route.useSearch();
  const [sentTo, setSentTo] = useState<string | null>(null);
  const form = useForm({ resolver: checkedBy(schema), defaultValues: { email: email ?? "" } });
  const { submit, problem, isBusy } = useSending(form, async (body) => {
    await answer(api.POST("/api/auth/password/forgot", { body }));
    setSentTo(body.email);
  });
  const back = (
    <Link to="/login" className={TEXT_LINK}>
      Back to sign in
    </Link>
  );
  if (sentTo !== null) {
    return (
      <Door title="Look in your mailbox" after={back}>
        <Notice tone="info">
          If there is an account for <strong>{sentTo}</strong>, a link to set a new password is on
          its way. It works once, for a limited time.
        </Notice>
      </Door>
    );
  }
  return (
    <Door title="Forgot your password?" lead="We mail you a link to set a new one." after={back}>
      <DoorForm onSubmit={submit} problem={problem} isBusy={isBusy} action="Send the link">
        <TextField
          {...form.register("email")}
          label="E-mail"
          type="email"
          autoComplete="username"
          error={form.formState.errors.email?.message}
        />
      </DoorForm>
    </Door>
  );
}
