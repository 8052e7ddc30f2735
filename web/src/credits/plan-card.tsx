/** The plan that one has, or why one would have one. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { ExternalLink } from "lucide-react";
import type { ReactNode } from "react";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { Card } from "~/ui/card.tsx";
import { date } from "~/ui/moment.tsx";
import { Pill } from "~/ui/pill.tsx";
import { Problem } from "~/ui/problem.tsx";
import { Loading, Skeleton } from "~/ui/skeleton.tsx";
import { useManaging } from "./buying.ts";
import { changingSubscriptionQuery, hasPlan, type Plan, subscriptionQuery } from "./queries.ts";
import { credits } from "./words.ts";

const route = getRouteApi("/shared/credits");

export function PlanCard() {
  const { api } = useProduct();
  const { managed } = route.useSearch();
  const query = managed === undefined ? subscriptionQuery(api) : changingSubscriptionQuery(api);
  const { data: plan, error, refetch } = useQuery(query);
  if (plan === undefined)
    return error ? <Problem problem={error} onRetry={() => void refetch()} /> : <Coming />;
  if (!hasPlan(plan)) return <NoPlan />;
  return <YourPlan plan={plan} />;
}

function YourPlan({ plan }: { plan: Plan }) {
  const managing = useManaging();
  const { word, tone } = stateOf(plan);
  return (
    <Shape
      label="Your plan"
      name={
        <>
          {plan.plan ?? "Plan"} <Pill tone={tone}>{word}</Pill>
        </>
      }
      action={
        <Button size="compact" busy={managing.isPending} onClick={() => managing.mutate(undefined)}>
          Manage plan and card
          <ExternalLink size={14} aria-hidden="true" />
        </Button>
      }
    >
      {plan.credits != null && `${credits(plan.credits)} every month. `}
      {whatIsNext(plan)}
    </Shape>
  );
}

function stateOf(plan: Plan): { word: string; tone: "good" | "warn" } {
  if (plan.is_paused) return { word: "Paused", tone: "warn" };
  if (["past_due", "unpaid"].includes(plan.status)) return { word: "Payment failed", tone: "warn" };
  if (plan.status === "incomplete") return { word: "Not paid yet", tone: "warn" };
  return plan.cancel_at_period_end
    ? { word: "Ends soon", tone: "warn" }
    : { word: "Active", tone: "good" };
}

function whatIsNext(plan: Plan): string | null {
  const { current_period_end: end, next_grant_at: next, grace_until: grace } = plan;
  if (plan.is_paused) return "Its credits wait until the renewal is paid.";
  if (grace) return `Pay by ${date(grace)} to keep its credits.`;
  if (plan.cancel_at_period_end) return end ? `It ends on ${date(end)}.` : null;
  if (next) return `The next come on ${date(next)}.`;
  return end ? `It renews on ${date(end)}.` : null;
}

function NoPlan() {
  return (
    <Shape label="Your plan" name="None">
      A plan brings credits every month and costs less for each. Choose one below, and end it
      whenever you like.
    </Shape>
  );
}

interface ShapeProps {
  label: string;
  name: ReactNode;
  action?: ReactNode;
  children: ReactNode;
}

function Shape({ label, name, action, children }: ShapeProps) {
  return (
    <Card>
      <div className="grid h-full content-between gap-4">
        <div className="grid gap-1.5">
          <p className="text-soft">{label}</p>
          <p className="flex flex-wrap items-center gap-2.5 font-semibold text-title3">{name}</p>
          <p className="text-soft">{children}</p>
        </div>
        {action && <div>{action}</div>}
      </div>
    </Card>
  );
}

function Coming() {
  return (
    <Card>
      <div className="grid gap-3">
        <Loading what="your plan" />
        <Skeleton shape="h-4 w-24" />
        <Skeleton shape="h-6 w-40" />
        <Skeleton shape="h-4 w-64 max-w-full" />
      </div>
    </Card>
  );
}
