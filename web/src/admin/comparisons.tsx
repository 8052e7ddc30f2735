/** The comparisons with Stripe, the newest first. */
import { answer, type Schema } from "~/api/api.ts";
import { counted } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Section } from "~/ui/card.tsx";
import { type Column, Listing } from "~/ui/listing.tsx";
import { Ago } from "~/ui/moment.tsx";
import { Pill } from "~/ui/pill.tsx";
import { COMPARISONS } from "./keys.ts";
import { useRows } from "./paging.ts";
import { worded } from "./words.ts";

type Comparison = Schema<"ReconciliationView">;

const COLUMNS: Column<Comparison>[] = [
  { title: "Began", show: ({ began_at }) => <Ago at={began_at} /> },
  { title: "Of what", show: ({ scope }) => <Scope of={scope} /> },
  { title: "Ended", show: (comparison) => <Outcome of={comparison} /> },
  { title: "Seen", kind: "number", show: ({ seen }) => counted(total(seen)) },
  { title: "Differed", kind: "number", show: ({ drift }) => counted(drift) },
  { title: "Repaired", kind: "number", show: ({ repaired }) => counted(repaired) },
  { title: "Open", kind: "number", show: ({ open }) => counted(open.length) },
];

export function Comparisons() {
  const { api } = useProduct();
  const { rows, asking } = useRows(
    COMPARISONS,
    "reconciliations",
    ({ cursor, signal }) =>
      answer(
        api.GET("/api/admin/reconciliations", { params: { query: { cursor, limit: 10 } }, signal }),
      ),
    ({ finished_at }) => finished_at === null,
  );
  return (
    <Section title="Comparisons with Stripe">
      <Listing
        what="the comparisons with Stripe"
        rows={rows}
        asking={asking}
        keyOf={({ began_at, scope }) => `${began_at} ${scope}`}
        columns={COLUMNS}
        nothing="Nothing was compared yet"
      />
    </Section>
  );
}

function Scope({ of: scope }: { of: string }) {
  const words = scope === "daily" ? "the last weeks" : "what is new";
  return <span className="whitespace-nowrap">{words}</span>;
}

export function Outcome({ of: { finished_at, flaw, open } }: { of: Comparison }) {
  if (finished_at === null) return <Pill tone="busy">not yet</Pill>;
  if (flaw !== null) return <Pill tone="warn">{worded(flaw)}</Pill>;
  return open.length > 0 ? <Pill tone="bad">differs</Pill> : <Pill tone="good">well</Pill>;
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
