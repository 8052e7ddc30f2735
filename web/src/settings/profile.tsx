/** Who one is: a name, and an address that is confirmed or not. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { answer, type Schema } from "~/api/api.ts";
import { sentenceOf } from "~/api/problems.ts";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { Card, Section } from "~/ui/card.tsx";
import { TextField } from "~/ui/field.tsx";
import { checkedBy, useSending } from "~/ui/form.ts";
import { date } from "~/ui/moment.tsx";
import { notifyProblem, notifySuccess } from "~/ui/notify.ts";
import { Pill } from "~/ui/pill.tsx";
import { Problem } from "~/ui/problem.tsx";
import { SkeletonLines } from "~/ui/skeleton.tsx";
import { USER } from "./keys.ts";
import { userQuery } from "./queries.ts";

type User = Schema<"UserView">;

const NAME_CHARS_MAX = 80;
const schema = z.object({
  name: z.string().check(z.trim(), z.maxLength(NAME_CHARS_MAX, "Use at most 80 characters.")),
});

export function Profile() {
  const { api } = useProduct();
  const { data: user, error, refetch } = useQuery(userQuery(api));
  return (
    <Section title="Profile">
      {error !== null && user === undefined ? (
        <Problem problem={error} onRetry={() => void refetch()} />
      ) : (
        <Card padding={user ? "roomy" : "none"}>
          {user ? <Details user={user} /> : <SkeletonLines what="your profile" count={3} />}
        </Card>
      )}
    </Section>
  );
}

function Details({ user }: { user: User }) {
  return (
    <div className="grid gap-6">
      <div className="grid gap-1">
        <p className="font-medium text-caption">E-mail</p>
        <p className="flex flex-wrap items-center gap-3 text-lead">
          {user.email}
          {user.email_verified ? <Pill tone="good">Confirmed</Pill> : <Unconfirmed />}
        </p>
        <p className="text-caption text-soft">With us since {date(user.created_at)}.</p>
      </div>
      <NameForm user={user} />
    </div>
  );
}

function NameForm({ user }: { user: User }) {
  const { api, queries } = useProduct();
  const form = useForm({
    resolver: checkedBy(schema),
    values: { name: user.name ?? "" },
  });
  const { submit, problem, isBusy } = useSending(form, async ({ name }) => {
    const body = { name: name === "" ? null : name };
    queries.setQueryData(USER, await answer(api.PATCH("/api/user", { body })));
    notifySuccess("Your name is saved.");
  });
  return (
    <form onSubmit={submit} noValidate className="grid gap-4">
      {problem !== null && <Problem problem={problem} />}
      <div className="grid items-start gap-3 phone:grid-cols-[1fr_auto]">
        <TextField
          {...form.register("name")}
          label="Name"
          autoComplete="name"
          error={form.formState.errors.name?.message}
        />
        {/* beside the field, below its label, whatever is said under it */}
        <div className="grid phone:pt-6">
          <Button type="submit" busy={isBusy} aria-disabled={!form.formState.isDirty || undefined}>
            Save
          </Button>
        </div>
      </div>
    </form>
  );
}

function Unconfirmed() {
  const { api } = useProduct();
  const sending = useMutation({
    mutationFn: () => answer(api.POST("/api/auth/email/resend")),
    onSuccess: () => notifySuccess("Another link is on its way."),
    onError: (problem) => notifyProblem(sentenceOf(problem)),
  });
  return (
    <>
      <Pill tone="warn">Not confirmed</Pill>
      <Button look="quiet" size="compact" busy={sending.isPending} onClick={() => sending.mutate()}>
        Mail me the link
      </Button>
    </>
  );
}
