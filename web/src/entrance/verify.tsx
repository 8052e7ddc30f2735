/** Prove an address: a person presses the button, so that no mail scanner does it by opening the link. */

import { useMutation } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { answer } from "~/api/api.ts";
import { isRefusal } from "~/api/problems.ts";
import { useProduct, useSession } from "~/product.ts";
import { USER } from "~/settings/keys.ts";
import { Button, buttonLook } from "~/ui/button.tsx";
import { Notice } from "~/ui/notice.tsx";
import { Problem } from "~/ui/problem.tsx";
import { Door } from "./door.tsx";
import { BrokenLink } from "./mailed-link.tsx";

const route = getRouteApi("/entrance/verify");

export function Verify() {
  const { api, queries } = useProduct();
  const { token = "" } = route.useSearch();
  const confirming = useMutation({
    mutationFn: () => answer(api.POST("/api/auth/email/verify", { body: { token } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: USER }),
  });
  if (token === "" || isRefusal(confirming.error, "link_invalid")) return <BrokenLink />;
  if (confirming.data) return <Verified email={confirming.data.email} />;
  return (
    <Door
      title="Confirm your e-mail"
      lead="10 credits are added when you do, if you signed up here."
    >
      <div className="grid gap-5">
        {confirming.error && <Problem problem={confirming.error} />}
        <Button
          look="primary"
          width="full"
          busy={confirming.isPending}
          onClick={() => confirming.mutate()}
        >
          Confirm my address
        </Button>
      </div>
    </Door>
  );
}

function Verified({ email }: { email: string }) {
  const isIn = useSession().status === "signed-in";
  return (
    <Door
      title="Your e-mail is confirmed"
      after={
        <Link
          to={isIn ? "/dashboard" : "/login"}
          className={buttonLook({ look: "primary", width: "full" })}
        >
          {isIn ? "Go to your work" : "Sign in"}
        </Link>
      }
    >
      <Notice tone="good">{email} is yours.</Notice>
    </Door>
  );
}
