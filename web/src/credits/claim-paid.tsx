/** A guest who paid: the account that the payment opened is theirs at once, or they have one already. */
import { Link, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { answer } from "~/api/api.ts";
import { isRefusal } from "~/api/problems.ts";
import { NewPassword } from "~/entrance/new-password.tsx";
import { useProduct } from "~/product.ts";
import { buttonLook } from "~/ui/button.tsx";
import type { Checkout } from "./queries.ts";

interface ClaimPaidProps {
  checkout: Checkout;
  sessionId: string;
  /** Somebody else is signed in here. */
  isAnothers: boolean;
}

export function ClaimPaid({ checkout, sessionId, isAnothers }: ClaimPaidProps) {
  const { api, session } = useProduct();
  const router = useRouter();
  const [isClaimed, setClaimed] = useState(false);
  if (isAnothers) return <Elsewhere checkout={checkout} />;
  if (checkout.account !== "new" || isClaimed) return <SignIn checkout={checkout} />;

  const claim = async (password: string) => {
    try {
      const body = { session_id: sessionId, password };
      session.begin(await answer(api.POST("/api/auth/claim", { body })));
    } catch (flaw) {
      if (isRefusal(flaw, "already_claimed")) return setClaimed(true);
      throw flaw;
    }
    await router.navigate({ to: "/dashboard" });
  };
  return (
    <div className="grid gap-6">
      <p>
        They are in the account of <strong className="text-ink">{checkout.email}</strong>. Choose a
        password, and it is yours. {mailSaid(checkout)}
      </p>
      <div className="text-left text-body text-ink">
        <NewPassword action="Open my account" onChoose={claim} email={checkout.email} />
      </div>
    </div>
  );
}

function Elsewhere({ checkout }: { checkout: Checkout }) {
  return (
    <p>
      They are in the account of{" "}
      <strong className="text-ink">{checkout.email ?? "the address that you paid with"}</strong>,
      and you are signed in to another. Sign out to open it, or follow the link in our mail to it.
    </p>
  );
}

function mailSaid({ email_state }: Checkout): string {
  if (email_state === "sent") return "We mailed you a link that does the same, for later.";
  if (email_state === "failed") return "We could not mail you, so do it now.";
  return "A mail with a link that does the same is on its way.";
}

function SignIn({ checkout }: { checkout: Checkout }) {
  return (
    <div className="grid justify-items-center gap-6">
      <p>They are in the account of {checkout.email ?? "the address that you paid with"}.</p>
      <Link
        to="/login"
        search={{ email: checkout.email ?? undefined }}
        className={buttonLook({ look: "primary" })}
      >
        Sign in
      </Link>
    </div>
  );
}
