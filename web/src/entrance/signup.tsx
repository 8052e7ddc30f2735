/** Sign up. */
import { getRouteApi, Link, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { answer } from "~/api/api.ts";
import { isRefusal } from "~/api/problems.ts";
import { useProduct } from "~/product.ts";
import { ownPath } from "~/routes/search.ts";
import { PasswordField, TextField } from "~/ui/field.tsx";
import { checkedBy, useSending } from "~/ui/form.ts";
import { TEXT_LINK } from "~/ui/text-link.ts";
import { Door, DoorForm } from "./door.tsx";
import { address, newPassword, PASSWORD_HINT } from "./fields.ts";

const route = getRouteApi("/entrance/signup");
const schema = z.object({ email: address, password: newPassword });

export function SignUp() {
  const { api, session } = useProduct();
  const router = useRouter();
  const { next, email } = route.useSearch();
  const form = useForm({
    resolver: checkedBy(schema),
    defaultValues: { email: email ?? "", password: "" },
  });
  const { submit, problem, isBusy } = useSending(form, async (body) => {
    session.begin(await answer(api.POST("/api/auth/signup", { body })));
    await router.navigate({ href: ownPath(next), replace: true });
  });
  const { errors } = form.formState;
  const isTaken = isRefusal(problem, "email_taken");
  const signIn = (
    <Link to="/login" search={{ next, email: form.watch("email") }} className={TEXT_LINK}>
      Sign in
    </Link>
  );
  const taken = isTaken && (
    <>
      {problem.message} {signIn}
    </>
  );
  useEffect(() => {
    if (isTaken) form.setFocus("email");
  }, [form, isTaken]);
  return (
    <Door
      title="Create your account"
      lead="10 credits are yours once your e-mail is confirmed."
      after={<p>Already have one? {signIn}</p>}
    >
      <DoorForm
        onSubmit={submit}
        problem={isTaken ? null : problem}
        isBusy={isBusy}
        action="Create account"
      >
        <TextField
          {...form.register("email")}
          label="E-mail"
          type="email"
          autoComplete="username"
          error={errors.email?.message ?? taken}
        />
        <PasswordField
          {...form.register("password")}
          label="Password"
          autoComplete="new-password"
          hint={PASSWORD_HINT}
          error={errors.password?.message}
        />
      </DoorForm>
    </Door>
  );
}
