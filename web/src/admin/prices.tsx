/** What is sold: the catalogue as it is here, and how it differs from Stripe's. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answer, type Schema } from "~/api/api.ts";
import { counted, money } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { Card } from "~/ui/card.tsx";
import { Id } from "~/ui/facts.tsx";
import { type Column, Table } from "~/ui/listing.tsx";
import { Page } from "~/ui/page.tsx";
import { Pill } from "~/ui/pill.tsx";
import { Problem } from "~/ui/problem.tsx";
import { SkeletonLines } from "~/ui/skeleton.tsx";
import { CATALOGUE } from "./keys.ts";
import { SyncDialog } from "./sync-dialog.tsx";
import { worded } from "./words.ts";

type Price = Schema<"PriceInFull">;

const COLUMNS: Column<Price>[] = [
  { title: "Name", show: ({ name }) => <span className="font-medium">{name}</span> },
  { title: "Sold", show: (price) => <Standing price={price} /> },
  { title: "Kind", kind: "wide", show: ({ kind }) => worded(kind) },
  { title: "Credits", kind: "number", show: ({ credits }) => counted(credits) },
  { title: "Price", kind: "number", show: priceOf },
  {
    title: "Rollover",
    kind: "wide",
    show: ({ kind, rollover }) => kind === "plan" && worded(rollover),
  },
  { title: "At Stripe", kind: "wide", show: ({ price_id }) => <Id id={price_id} /> },
];

export function AdminPrices() {
  const { api } = useProduct();
  const [isSyncing, setSyncing] = useState(false);
  const {
    data: prices,
    error,
    refetch,
  } = useQuery({
    queryKey: CATALOGUE,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/admin/prices", { signal }))).prices,
  });
  return (
    <Page
      title="Prices"
      lead="What is sold is Stripe's catalogue; it is synced every hour, and soon after each change."
      width="wide"
      actions={<Button onClick={() => setSyncing(true)}>Compare with Stripe</Button>}
    >
      {error !== null && !prices && <Problem problem={error} onRetry={() => void refetch()} />}
      <Card padding="none">
        {!prices && !error && <SkeletonLines what="the prices" count={6} />}
        {prices && (
          <Table
            what="the prices"
            rows={prices}
            keyOf={({ price_id }) => price_id}
            columns={COLUMNS}
          />
        )}
      </Card>
      {isSyncing && <SyncDialog onClose={() => setSyncing(false)} />}
    </Page>
  );
}

function Standing({ price }: { price: Price }) {
  if (price.flaw !== null) return <Pill tone="bad">{price.flaw}</Pill>;
  return price.is_active ? <Pill tone="good">yes</Pill> : <Pill>no more</Pill>;
}

/** `$39`, `$29 a month`. */
function priceOf({ amount_cents, currency, interval }: Price): string {
  const amount = money(amount_cents, currency);
  return interval ? `${amount} a ${interval}` : amount;
}
