/** What the features that charge by themselves took in all, the most first. */
import { useQuery } from "@tanstack/react-query";
import { counted, credits } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Card, Section } from "~/ui/card.tsx";
import { type Filters, totalsQuery } from "./queries.ts";

export function Features({ filters }: { filters: Filters }) {
  const { api } = useProduct();
  const { data } = useQuery(totalsQuery(api, filters));
  if (!data || data.totals.length === 0) return null;
  return (
    <Section title="By feature" lead="What was spent at once, without a task.">
      <Card padding="none">
        <ul className="divide-y divide-line">
          {data.totals.map(({ feature, amount, count }) => (
            <li
              key={feature}
              className="flex flex-wrap items-baseline justify-between gap-x-4 px-5 py-3"
            >
              <span className="font-medium">{named(feature)}</span>
              <span className="text-soft tabular-nums">
                {credits(amount)}, {count === 1 ? "once" : `${counted(count)} times`}
              </span>
            </li>
          ))}
        </ul>
      </Card>
    </Section>
  );
}

const NAMES: Record<string, string> = { example: "Example feature" };

/** A feature as people call it; one that is not known here by its key, in words. */
function named(feature: string): string {
  return NAMES[feature] ?? feature.replaceAll(/[_-]/g, " ");
}
