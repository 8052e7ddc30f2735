/** Movements as a table; each leads to its trace. */
import { Link } from "@tanstack/react-router";
import clsx from "clsx";
import { ChevronRight } from "lucide-react";
import { counted, signed } from "~/credits/words.ts";
import { Moment } from "~/ui/moment.tsx";
import { Pill } from "~/ui/pill.tsx";
import { kindSaid } from "./kinds.ts";
import type { Filters, Line } from "./queries.ts";

const HEAD = "whitespace-nowrap px-5 py-2.5 text-left font-medium text-caption text-soft";

export function LineTable({ lines, filters }: { lines: Line[]; filters: Filters }) {
  return (
    <table className="w-full" data-testid="transactions">
      <thead className="border-line border-b">
        <tr>
          <th className={clsx(HEAD, "hidden tablet:table-cell")}>When</th>
          <th className={HEAD}>What</th>
          <th className={clsx(HEAD, "hidden tablet:table-cell")}>Kind</th>
          <th className={clsx(HEAD, "text-right")}>Credits</th>
          <th className={clsx(HEAD, "hidden text-right tablet:table-cell")}>Balance</th>
          <th className="w-10">
            <span className="sr-only">Trace</span>
          </th>
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        {lines.map((line) => (
          <Row key={line.id} line={line} filters={filters} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ line, filters }: { line: Line; filters: Filters }) {
  const { word, tone } = kindSaid(line.kind);
  return (
    <tr className="relative hover:bg-hover">
      <td className="hidden px-5 py-3.5 text-soft tablet:table-cell">
        <Moment at={line.created_at} />
      </td>
      <td className="wrap-anywhere px-5 py-3.5">
        <span className="line-clamp-2">{line.description}</span>
        <span className="flex flex-wrap gap-x-2 text-caption text-soft tablet:hidden">
          <span>{word}</span>
          <Moment at={line.created_at} />
        </span>
      </td>
      <td className="hidden px-5 py-3.5 tablet:table-cell">
        <Pill tone={tone}>{word}</Pill>
      </td>
      <td
        className={clsx(
          "whitespace-nowrap px-5 py-3.5 text-right font-semibold tabular-nums",
          line.amount > 0 && "text-good",
        )}
      >
        {signed(line.amount)}
      </td>
      <td className="hidden whitespace-nowrap px-5 py-3.5 text-right text-soft tabular-nums tablet:table-cell">
        {counted(line.balance_after)}
      </td>
      <td className="pr-4 text-soft">
        <Link
          to="/transactions"
          search={{ ...filters, trace: line.id }}
          resetScroll={false}
          className="after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-3 focus-visible:after:outline-link focus-visible:after:outline-offset-[-3px]"
          aria-label={`Trace of ${signed(line.amount)}: ${line.description}`}
        >
          <ChevronRight size={18} aria-hidden="true" />
        </Link>
      </td>
    </tr>
  );
}
