/** The books: the rules that hold, those that do not, and the days that were closed. */
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck } from "lucide-react";
import { answer, type Schema } from "~/api/api.ts";
import { counted } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Card, Section } from "~/ui/card.tsx";
import { type Column, Table } from "~/ui/listing.tsx";
import { Ago, date } from "~/ui/moment.tsx";
import { Page } from "~/ui/page.tsx";
import { Pill } from "~/ui/pill.tsx";
import { Problem } from "~/ui/problem.tsx";
import { SkeletonLines } from "~/ui/skeleton.tsx";
import { BOOKS } from "./keys.ts";

type Part = Schema<"BooksSection">;
type Day = Schema<"BooksDay">;

const DAYS: Column<Day>[] = [
  { title: "Day", show: ({ day }) => date(`${day}T12:00:00`) },
  { title: "Books", show: ({ balanced }) => <Balance isBalanced={balanced} /> },
  { title: "Differences", kind: "number", show: ({ differences }) => counted(differences) },
  { title: "Proved", show: ({ proved_at }) => proved_at && <Ago at={proved_at} /> },
];

export function AdminBooks() {
  const { api } = useProduct();
  const {
    data: books,
    error,
    refetch,
  } = useQuery({
    queryKey: BOOKS,
    queryFn: ({ signal }) => answer(api.GET("/api/admin/books", { signal })),
  });
  return (
    <Page title="Books" lead="Ledger, tasks and Stripe, held against each other." width="wide">
      {error !== null && !books && <Problem problem={error} onRetry={() => void refetch()} />}
      {!books && !error && <SkeletonLines what="the books" count={6} />}
      <div className="grid gap-4 desk:grid-cols-3">
        {books?.sections.map((part) => (
          <PartCard key={part.name} part={part} />
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
    </Page>
  );
}

function Balance({ isBalanced }: { isBalanced: boolean }) {
  return <Pill tone={isBalanced ? "good" : "bad"}>{isBalanced ? "Balanced" : "Differs"}</Pill>;
}

function PartCard({ part }: { part: Part }) {
  return (
    <Card>
      <div className="grid gap-4">
        <div className="flex items-center justify-between gap-3">
          <h2 className="font-semibold text-title3 capitalize">{part.name}</h2>
          <Balance isBalanced={part.balanced} />
        </div>
        <ul className="grid gap-2.5">
          {part.rules.map(({ name, holds, detail }) => (
            <li key={name} className="flex gap-2.5">
              {holds ? (
                <CircleCheck className="mt-0.5 shrink-0 text-good" size={17} aria-label="Holds" />
              ) : (
                <CircleAlert
                  className="mt-0.5 shrink-0 text-bad"
                  size={17}
                  aria-label="Does not hold"
                />
              )}
              <span>
                {name}
                {detail && <span className="block text-caption text-soft">{detail}</span>}
              </span>
            </li>
          ))}
        </ul>
        {part.checked_at && (
          <p className="text-caption text-soft">
            Checked <Ago at={part.checked_at} />.
          </p>
        )}
      </div>
    </Card>
  );
}
