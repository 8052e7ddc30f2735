/** What can be bought: packs once, plans for a while. */
import { useQuery } from "@tanstack/react-query";
import { PackageOpen } from "lucide-react";
import { useState } from "react";
import { useProduct, useSession } from "~/product.ts";
import { Card, Section } from "~/ui/card.tsx";
import { Empty } from "~/ui/empty.tsx";
import { Problem } from "~/ui/problem.tsx";
import { Segments } from "~/ui/segments.tsx";
import { Loading, Skeleton } from "~/ui/skeleton.tsx";
import { useBuying, useManaging } from "./buying.ts";
import { PriceCard } from "./price-card.tsx";
import { hasPlan, type Plan, type Price, pricesQuery, subscriptionQuery } from "./queries.ts";

const INTERVALS = [
  { value: "month", name: "Monthly" },
  { value: "year", name: "Yearly" },
] as const;
type Interval = (typeof INTERVALS)[number]["value"];

export function Catalogue() {
  const { api } = useProduct();
  const { data: prices, error, refetch } = useQuery(pricesQuery(api));
  if (error !== null && prices === undefined) {
    return <Problem problem={error} onRetry={() => void refetch()} />;
  }
  if (prices === undefined) return <Coming />;
  if (prices.length === 0) return <NothingForSale />;
  const packs = prices.filter(({ interval }) => interval === null);
  const plans = prices.filter(({ interval }) => interval !== null);
  return (
    <>
      {packs.length > 0 && <Packs packs={packs} />}
      {plans.length > 0 && <Plans plans={plans} />}
    </>
  );
}

function Packs({ packs }: { packs: Price[] }) {
  return (
    <Section title="Credit packs" lead="Paid once. They do not expire.">
      <Offers prices={packs} />
    </Section>
  );
}

function Plans({ plans }: { plans: Price[] }) {
  const plan = usePlan();
  const [interval, setInterval] = useState<Interval>("month");
  const has = (wanted: Interval) => plans.some((plan) => plan.interval === wanted);
  const shown = has("month") && has("year") ? interval : plans[0]?.interval;
  return (
    <Section
      title="Plans"
      lead="Credits every month, for less each. End it whenever you like."
      action={
        has("month") &&
        has("year") && (
          <Segments label="Pay" options={INTERVALS} chosen={interval} onChoose={setInterval} />
        )
      }
    >
      <Offers prices={plans.filter((offer) => offer.interval === shown)} plan={plan} />
    </Section>
  );
}

interface OffersProps {
  prices: Price[];
  plan?: Plan | undefined;
}

function Offers({ prices, plan }: OffersProps) {
  const buying = useBuying();
  const managing = useManaging();
  return (
    <ul className="grid grid-cols-1 gap-4 tablet:grid-cols-2 desk:grid-cols-3">
      {prices.map((price) => (
        <li key={price.price_id} className="grid">
          {plan === undefined ? (
            <PriceCard
              price={price}
              isBusy={buying.isPending && buying.variables === price.price_id}
              onBuy={() => buying.mutate(price.price_id)}
            />
          ) : (
            <PriceCard
              price={price}
              change={plan.price_id === price.price_id ? "Manage this plan" : "Change to this plan"}
              isBusy={managing.isPending}
              onBuy={() => managing.mutate(undefined)}
            />
          )}
        </li>
      ))}
    </ul>
  );
}

/** The plan that is had; another one is not bought beside it, but changed to. */
function usePlan(): Plan | undefined {
  const { api } = useProduct();
  const isIn = useSession().status === "signed-in";
  const { data: plan } = useQuery({ ...subscriptionQuery(api), enabled: isIn });
  return plan && hasPlan(plan) ? plan : undefined;
}

function NothingForSale() {
  return (
    <Card>
      <Empty icon={PackageOpen} title="Nothing is for sale right now">
        The catalogue is being set up. What you have stays yours.
      </Empty>
    </Card>
  );
}

function Coming() {
  return (
    <div className="grid grid-cols-1 gap-4 tablet:grid-cols-2 desk:grid-cols-3">
      <Loading what="the prices" />
      {["one", "two", "three"].map((place) => (
        <Skeleton key={place} shape="h-48 rounded-card" />
      ))}
    </div>
  );
}
