/** After paying: what is true at this moment, and the credits when they are there. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { CircleAlert, CircleCheck, Hourglass, Mail } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { isMissing } from "~/api/problems.ts";
import { useProduct, useSession } from "~/product.ts";
import { useAnnounce } from "~/ui/announcer.tsx";
import { buttonLook } from "~/ui/button.tsx";
import { useNow } from "~/ui/moment.tsx";
import { useTitle } from "~/ui/page.tsx";
import { Problem } from "~/ui/problem.tsx";
import { Spinner } from "~/ui/spinner.tsx";
import { ClaimPaid } from "./claim-paid.tsx";
import { EVERY_CREDIT } from "./keys.ts";
import { type Checkout, checkoutQuery } from "./queries.ts";
import { credits } from "./words.ts";

const route = getRouteApi("/shared/dashboard/credits/success");
const LONG_MS = 20_000;

export function Success() {
  const { api } = useProduct();
  const { session_id = "" } = route.useSearch();
  const asking = useQuery({ ...checkoutQuery(api, session_id), enabled: session_id !== "" });
  if (session_id === "" || isMissing(asking.error)) return <Unknown />;
  if (asking.data !== undefined) return <Outcome checkout={asking.data} sessionId={session_id} />;
  if (asking.error !== null) {
    return (
      <Stage icon={null} title="Your payment">
        <Problem problem={asking.error} onRetry={() => void asking.refetch()} />
      </Stage>
    );
  }
  return <Stage icon={<Spinner size={32} />} title="Looking up your payment…" />;
}

function Outcome({ checkout, sessionId }: { checkout: Checkout; sessionId: string }) {
  if (checkout.granted) return <Granted checkout={checkout} sessionId={sessionId} />;
  if (checkout.status === "expired" || checkout.status === "failed") return <Unpaid />;
  if (checkout.waits_for === "address") return <ToBeConfirmed checkout={checkout} />;
  if (checkout.waits_for === "review") return <InReview />;
  const isPaid = checkout.payment_status !== "unpaid";
  if (isPaid) return <Adding />;
  return checkout.status === "processing" ? <AtTheBank /> : <Open />;
}

function Granted({ checkout, sessionId }: { checkout: Checkout; sessionId: string }) {
  const { queries } = useProduct();
  const announce = useAnnounce();
  const isIn = useSession().status === "signed-in";
  const isMine = isIn && checkout.is_yours;
  const said = `${credits(checkout.credits)} added!`;
  useEffect(() => {
    announce(said);
    void queries.invalidateQueries({ queryKey: EVERY_CREDIT });
  }, [announce, queries, said]);
  return (
    <Stage
      icon={<CircleCheck size={56} strokeWidth={1.5} className="text-good" aria-hidden="true" />}
      title={said}
      action={isMine && <Onwards />}
    >
      {isMine ? (
        "They are in your account and ready to be used."
      ) : (
        <ClaimPaid checkout={checkout} sessionId={sessionId} isAnothers={isIn} />
      )}
    </Stage>
  );
}

function Onwards() {
  return (
    <Link to="/dashboard" className={buttonLook({ look: "primary" })}>
      Get something done
    </Link>
  );
}

function Adding() {
  const isLong = useLong();
  return (
    <Stage icon={<Spinner size={32} />} title="Payment received">
      {isLong
        ? "Adding the credits takes longer than usual. Your payment is safe and they will come; you can close this page."
        : "Adding your credits…"}
    </Stage>
  );
}

/** The page has been waiting for longer than it should have to. */
function useLong(): boolean {
  const [since] = useState(() => Date.now());
  return useNow(1_000) - since > LONG_MS;
}

function AtTheBank() {
  return (
    <Stage
      icon={<Hourglass size={44} strokeWidth={1.5} aria-hidden="true" />}
      title="Your bank is on it"
      action={<BackToCredits />}
    >
      This way of paying takes a while, sometimes days. Your credits are added when the money
      arrives, and we mail you then. Nothing else is to be done.
    </Stage>
  );
}

/** Somebody opened an account with the payer's address, and nobody has shown yet whose the address is. */
function ToBeConfirmed({ checkout }: { checkout: Checkout }) {
  return (
    <Stage
      icon={<Mail size={44} strokeWidth={1.5} aria-hidden="true" />}
      title="Payment received. Now confirm your e-mail"
    >
      There is an account of {checkout.email ?? "your address"} that nobody has confirmed yet.
      Follow the link in our mail to it, and your {credits(checkout.credits)} are there.
    </Stage>
  );
}

function InReview() {
  return (
    <Stage
      icon={<Hourglass size={44} strokeWidth={1.5} aria-hidden="true" />}
      title="Payment received"
    >
      A person has to look at it, because no price of ours says what it buys. You get the credits or
      your money back; nothing else is to be done.
    </Stage>
  );
}

/** Whoever comes from the checkout has paid, as a rule: Stripe is about to say so. */
function Open() {
  const isLong = useLong();
  if (!isLong) return <Stage icon={<Spinner size={32} />} title="Confirming your payment…" />;
  return (
    <Stage icon={<Spinner size={32} />} title="Waiting for your payment" action={<BackToCredits />}>
      The checkout is still open. As soon as it is paid, this page says so.
    </Stage>
  );
}

function Unpaid() {
  return (
    <Stage
      icon={<CircleAlert size={44} strokeWidth={1.5} aria-hidden="true" />}
      title="This was not paid"
      action={<BackToCredits />}
    >
      The checkout ended without a payment. Nothing was charged, and nothing was added.
    </Stage>
  );
}

function Unknown() {
  return (
    <Stage
      icon={<CircleAlert size={44} strokeWidth={1.5} aria-hidden="true" />}
      title="There is no such payment"
      action={<BackToCredits />}
    >
      The address may be cut off. If you did pay, your credits come all the same, and a mail with
      them.
    </Stage>
  );
}

function BackToCredits() {
  return (
    <Link to="/credits" className={buttonLook({})}>
      Back to credits
    </Link>
  );
}

interface StageProps {
  icon: ReactNode;
  title: string;
  action?: ReactNode;
  children?: ReactNode;
}

function Stage({ icon, title, action, children }: StageProps) {
  useTitle(title);
  return (
    <div className="mx-auto grid max-w-lg justify-items-center gap-4 px-4 py-16 text-center tablet:py-24">
      <span className="grid h-16 place-items-center text-soft">{icon}</span>
      <h1 tabIndex={-1} className="font-bold text-title2 tablet:text-title1">
        {title}
      </h1>
      {children && <div className="w-full text-lead text-soft">{children}</div>}
      {action && <div className="mt-4">{action}</div>}
    </div>
  );
}
