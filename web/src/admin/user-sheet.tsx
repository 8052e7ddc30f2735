/** One account: credits given, the operator's role, and the way to what it did. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answer } from "~/api/api.ts";
import { isMissing } from "~/api/problems.ts";
import { counted } from "~/credits/words.ts";
import { useProduct, useSession } from "~/product.ts";
import { Button, buttonLook } from "~/ui/button.tsx";
import { Confirm, Sheet } from "~/ui/dialog.tsx";
import { Facts, Id } from "~/ui/facts.tsx";
import { Moment } from "~/ui/moment.tsx";
import { Notice } from "~/ui/notice.tsx";
import { Problem } from "~/ui/problem.tsx";
import { SkeletonLines } from "~/ui/skeleton.tsx";
import { useActing } from "./acting.ts";
import { GrantForm } from "./grant-form.tsx";
import { EVERY_USER } from "./keys.ts";
import { oneUser } from "./queries.ts";
import type { User } from "./users.tsx";

export function UserSheet({ userId, onClose }: { userId: string; onClose: () => void }) {
  const { api } = useProduct();
  const { data: user, error, refetch } = useQuery(oneUser(api, userId));
  return (
    <Sheet open onClose={onClose} title={user?.email ?? "User"} side="right">
      <div className="grid gap-6 px-5 pb-8">
        {user && <Details user={user} />}
        {!user && !error && <SkeletonLines what="the user" count={5} />}
        {!user && isMissing(error) && <Notice tone="info">There is no such user.</Notice>}
        {!user && error && !isMissing(error) && (
          <Problem problem={error} onRetry={() => void refetch()} />
        )}
      </div>
    </Sheet>
  );
}

function Details({ user }: { user: User }) {
  return (
    <>
      <Facts
        of={[
          ["Name", user.name],
          ["E-mail", user.email_verified ? "confirmed" : "not confirmed"],
          ["Credits", counted(user.credits)],
          ["Since", <Moment key="since" at={user.created_at} />],
          ["Id", <Id key="id" id={user.id} />],
        ]}
      />
      <div className="flex flex-wrap gap-2">
        <Link
          to="/admin/tasks"
          search={{ user: user.id }}
          className={buttonLook({ look: "outline", size: "compact" })}
        >
          Tasks
        </Link>
        <Link
          to="/admin/payments"
          search={{ q: user.email }}
          className={buttonLook({ look: "outline", size: "compact" })}
        >
          Payments
        </Link>
        <Link
          to="/admin/mails"
          search={{ user: user.id }}
          className={buttonLook({ look: "outline", size: "compact" })}
        >
          Mails
        </Link>
        <Role user={user} />
      </div>
      <GrantForm user={user} />
    </>
  );
}

function Role({ user }: { user: User }) {
  const { api } = useProduct();
  const state = useSession();
  const isAdmin = user.roles.includes("admin");
  const [isAsked, setAsked] = useState(false);
  const changing = useActing({
    act: () =>
      answer(
        api.PUT("/api/admin/users/{user_id}/roles", {
          params: { path: { user_id: user.id } },
          body: { roles: isAdmin ? [] : ["admin"] },
        }),
      ),
    said: isAdmin
      ? "No operator any more. They are signed out everywhere within 15 minutes."
      : "An operator now. They see the pages once theirs is loaded anew.",
    changes: [EVERY_USER],
  });
  if (state.status === "signed-in" && state.userId === user.id) return null;
  return (
    <>
      <Button
        look="outline"
        size="compact"
        busy={changing.isPending}
        onClick={() => setAsked(true)}
      >
        {isAdmin ? "Take the operator's role" : "Make an operator"}
      </Button>
      <Confirm
        open={isAsked}
        onClose={() => setAsked(false)}
        title={isAdmin ? "Take the operator's role away?" : "Make them an operator?"}
        description={
          isAdmin
            ? `${user.email} will see nothing of the operators' pages any more.`
            : `${user.email} will see every customer's tasks and payments, and may give credits and money back.`
        }
        action={isAdmin ? "Take it away" : "Make an operator"}
        refusal="Not now"
        look={isAdmin ? "danger" : "primary"}
        onConfirm={() => changing.mutate()}
      />
    </>
  );
}
