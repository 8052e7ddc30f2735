/** Sign in. */
import { getRouteApi, Link, useRouter } from "@tanstack/react-router";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { answer } from "~/api/api.ts";
import { useProduct } from "~/product.ts";
import { ownPath } from "~/routes/search.ts";
import { PasswordField, TextField } from "~/ui/field.tsx";
import { checkedBy, useSending } from "~/ui/form.ts";
import { TEXT_LINK } from "~/ui/text-link.ts";
import { Door, DoorForm } from "./door.tsx";
import { address, knownPassword } from "./fields.ts";

const route = getRouteApi("/entrance/login");
const schema = z.object({ email: address, password: knownPassword });

export function Login() {
  const { api, session } = useProduct();
  const router = useRouter();
  const { next, email } = route.useSearch();
  const form = useForm({
    resolver: checkedBy(schema),
    defaultValues: { email: email ?? "", password: "" },
  });
  const { submit, problem, isBusy } = useSending(form, async (body) => {
    session.begin(await answer(api.POST("/api/auth/login", { body })));
    await router.navigate({ href: ownPath(next), replace: true });
  });
  const { errors } = form.formState;
  return (
    <Door
      title="Sign in"
      after={
        <p>
          New here?{" "}
          <Link to="/signup" search={{ next }} className={TEXT_LINK}>
            Create an account
          </Link>
        </p>
      }
    >
      <DoorForm onSubmit={submit} problem={problem} isBusy={isBusy} action="Sign in">
        <TextField
          {...form.register("email")}
          label="E-mail"
          type="email"
          autoComplete="username"
          error={errors.email?.message}
        />
        <PasswordField
          {...form.register("password")}
          label="Password"
          autoComplete="current-password"
          error={errors.password?.message}
        />
        <Link
          to="/forgot"
          search={{ email: form.watch("email") }}
          className={`${TEXT_LINK} justify-self-start text-caption`}
        >
          Forgot your password?
        </Link>
      </DoorForm>
    </Door>
  );
}
