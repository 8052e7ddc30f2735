/** The books: each section as it is now, the comparison with Stripe, and the days that were closed. */
import { useQuery } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import { answer, type Schema } from "~/api/api.ts";
import { counted } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { Card, Section } from "~/ui/card.tsx";
import { Facts } from "~/ui/facts.tsx";
import { type Column, Table } from "~/ui/listing.tsx";
import { Ago, date, duration } from "~/ui/moment.tsx";
import { Page } from "~/ui/page.tsx";
import { Pill } from "~/ui/pill.tsx";
import { Problem } from "~/ui/problem.tsx";
import { SkeletonLines } from "~/ui/skeleton.tsx";
import { useActing } from "./acting.ts";
import { Comparisons } from "./comparisons.tsx";
import { BOOKS, COMPARISONS } from "./keys.ts";
import { booksQuery } from "./queries.ts";
import { worded } from "./words.ts";

type Part = Schema<"Section">;
type Day = Schema<"DayView">;

const PARTS: Record<Part["state"], { word: string; tone: "good" | "warn" | "bad" }> = {
  well: { word: "Well", tone: "good" },
  waiting: { word: "Waiting", tone: "warn" },
  broken: { word: "Broken", tone: "bad" },
};
const DAY_TONES: Record<Day["state"], "good" | "busy" | "bad"> = {
  comparing: "busy",
  proving: "busy",
  balanced: "good",
  differs: "bad",
  broken: "bad",
};
const DAYS: Column<Day>[] = [
  { title: "Day", show: ({ day }) => date(`${day}T12:00:00`) },
  { title: "Books", show: ({ state }) => <Pill tone={DAY_TONES[state]}>{state}</Pill> },
  { title: "Tasks settled", kind: "number", show: ({ settled_count }) => counted(settled_count) },
  { title: "Captured", kind: "number", show: ({ captured }) => counted(captured) },
  { title: "Released", kind: "number", show: ({ released }) => counted(released) },
  { title: "Differences", kind: "number", show: ({ differences }) => said(differences) },
  { title: "Rules broken", kind: "number", show: ({ broken }) => said(broken) },
  { title: "Proved", show: ({ proved_at }) => proved_at && <Ago at={proved_at} /> },
  { title: "Again", show: ({ day }) => <CompareAgain day={day} /> },
];

export function AdminBooks() {
  const { api } = useProduct();
  const { data: books, error, refetch } = useQuery(booksQuery(api));
  return (
    <Page
      title="Books"
      lead="Ledger, tasks and Stripe, held against each other."
      width="wide"
      actions={<Reconcile />}
    >
      {error !== null && !books && <Problem problem={error} onRetry={() => void refetch()} />}
      {!books && !error && <SkeletonLines what="the books" count={6} />}
      <div className="grid gap-4 desk:grid-cols-3">
        {Object.entries(books?.sections ?? {}).map(([name, part]) => (
          <PartCard key={name} name={name} part={part} />
        ))}
      </div>
      {books && books.days.length > 0 && (
        <Section title="Closed days">
          <Card padding="none">
            <Table
              what="the closed days"
              rows={books.days}
              keyOf={({ day }) => day}
              columns={DAYS}
            />
          </Card>
        </Section>
      )}
      <Comparisons />
    </Page>
  );
}

function Reconcile() {
  const { api } = useProduct();
  const reconciling = useActing({
    act: () => answer(api.POST("/api/admin/reconcile")),
    said: "Everything of the last weeks is compared with Stripe now.",
    changes: [BOOKS, COMPARISONS],
  });
  return (
    <Button busy={reconciling.isPending} onClick={() => reconciling.mutate()}>
      Compare with Stripe now
    </Button>
  );
}

function CompareAgain({ day }: { day: string }) {
  const { api } = useProduct();
  const comparing = useActing({
    act: () => answer(api.POST("/api/admin/books/compare", { body: { day } })),
    said: "Tasks is asked about that day again.",
    changes: [BOOKS],
  });
  return (
    <Button size="compact" busy={comparing.isPending} onClick={() => comparing.mutate()}>
      Compare<span className="sr-only"> {date(`${day}T12:00:00`)} again</span>
    </Button>
  );
}

function PartCard({ name, part }: { name: string; part: Part }) {
  const { word, tone } = PARTS[part.state];
  return (
    <Card>
      <div className="grid gap-4">
        <div className="flex items-center justify-between gap-3">
          <h2 className="font-semibold text-title3 capitalize">{name}</h2>
          <Pill tone={tone}>{word}</Pill>
        </div>
        <Facts
          of={[
            ...Object.entries(part.facts).map(factSaid),
            ["checked", part.checked_at && <Ago key="checked" at={part.checked_at} />],
          ]}
        />
        {part.open.length > 0 && (
          <ul className="grid gap-2">
            {part.open.map((difference) => (
              <li key={difference} className="flex gap-2.5">
                <CircleAlert className="mt-0.5 shrink-0 text-bad" size={17} aria-hidden="true" />
                {difference}
              </li>
            ))}
          </ul>
        )}
      </div>
    </Card>
  );
}

/** Ages are in seconds, and said as people say them. */
function factSaid([name, value]: [string, number | string | null]) {
  const isAge = name.endsWith("_s") && typeof value === "number";
  return isAge
    ? ([worded(name.slice(0, -2)), duration(value * 1000)] as const)
    : ([worded(name), value] as const);
}

/** `none`, or `captured +5, released −5`. */
function said(counts: Record<string, number>): string {
  const parts = Object.entries(counts).map(([name, by]) => `${worded(name)} ${counted(by)}`);
  return parts.join(", ") || "none";
}
