/** Invoices, kept at Stripe. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Download, ExternalLink } from "lucide-react";
import type { Schema } from "~/api/api.ts";
import { useProduct } from "~/product.ts";
import { Button, buttonLook } from "~/ui/button.tsx";
import { Card, Section } from "~/ui/card.tsx";
import { date } from "~/ui/moment.tsx";
import { Pill } from "~/ui/pill.tsx";
import { Problem } from "~/ui/problem.tsx";
import { invoicesQuery } from "./queries.ts";
import { money } from "./words.ts";

type Invoice = Schema<"InvoiceView">;

/** Who has none is not told about them. */
export function Invoices() {
  const { api } = useProduct();
  const invoices = useInfiniteQuery(invoicesQuery(api));
  const lines = invoices.data?.pages.flatMap((page) => page.invoices) ?? [];
  if (invoices.error !== null && lines.length === 0)
    return <Problem problem={invoices.error} onRetry={() => void invoices.refetch()} />;
  if (lines.length === 0) return null;
  return (
    <Section title="Invoices">
      <Card padding="none">
        <ul className="divide-y divide-line">
          {lines.map((invoice) => (
            <InvoiceLine key={`${invoice.number} ${invoice.created_at}`} invoice={invoice} />
          ))}
        </ul>
      </Card>
      {invoices.hasNextPage && (
        <Button
          look="quiet"
          busy={invoices.isFetchingNextPage}
          onClick={() => void invoices.fetchNextPage()}
        >
          Show older ones
        </Button>
      )}
    </Section>
  );
}

function InvoiceLine({ invoice }: { invoice: Invoice }) {
  const name = invoice.number ?? "without a number";
  return (
    <li className="flex items-center gap-4 px-5 py-3.5">
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">{name}</p>
        <p className="text-caption text-soft">{date(invoice.created_at)}</p>
      </div>
      <Pill tone={invoice.status === "paid" ? "good" : "warn"}>{capitalized(invoice.status)}</Pill>
      <span className="min-w-14 text-right tabular-nums">
        {money(invoice.amount_cents, invoice.currency)}
      </span>
      <span className="flex">
        {invoice.hosted_url && (
          <a href={invoice.hosted_url} className={DOOR} aria-label={`Open invoice ${name}`}>
            <ExternalLink size={17} aria-hidden="true" />
          </a>
        )}
        {invoice.pdf_url && (
          <a href={invoice.pdf_url} className={DOOR} aria-label={`Invoice ${name} as PDF`}>
            <Download size={17} aria-hidden="true" />
          </a>
        )}
      </span>
    </li>
  );
}

const DOOR = buttonLook({ look: "quiet", size: "icon" });

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
