/** A list of the API as a table: what each column shows, skeletons, nothing, problems, older ones. */
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import clsx from "clsx";
import { Inbox } from "lucide-react";
import type { ReactNode } from "react";
import { isMissing } from "~/api/problems.ts";
import { Button } from "./button.tsx";
import { Card } from "./card.tsx";
import { Empty } from "./empty.tsx";
import { Problem } from "./problem.tsx";
import { Scrolled } from "./scrolled.tsx";
import { SkeletonLines } from "./skeleton.tsx";

export interface Column<Row> {
  title: string;
  show: (row: Row) => ReactNode;
  /** `number` stands at the right; `wide` is left out on narrow windows. */
  kind?: "number" | "wide";
}

type Asking = Pick<
  UseInfiniteQueryResult<unknown>,
  "error" | "isPending" | "hasNextPage" | "isFetchingNextPage" | "fetchNextPage" | "refetch"
>;

interface ListingProps<Row> {
  what: string;
  rows: readonly Row[] | undefined;
  asking: Asking;
  keyOf: (row: Row) => string;
  columns: readonly Column<Row>[];
  /** What to do with a row, and in which words; it is the row's one button. */
  open?: { label: (row: Row) => string; onOpen: (row: Row) => void };
  nothing: string;
}

export function Listing<Row>({ what, rows, asking, nothing, ...table }: ListingProps<Row>) {
  const isMistaken = isMissing(asking.error); // what was asked for cannot be there
  return (
    <div className="grid gap-4">
      {asking.error !== null && rows === undefined && !isMistaken && (
        <Problem problem={asking.error} onRetry={() => void asking.refetch()} />
      )}
      <Card padding="none">
        {asking.isPending && <SkeletonLines what={what} count={6} />}
        {(rows?.length === 0 || (rows === undefined && isMistaken)) && (
          <Empty icon={Inbox} title={nothing} />
        )}
        {rows !== undefined && rows.length > 0 && <Table what={what} rows={rows} {...table} />}
      </Card>
      {asking.hasNextPage && (
        <Button
          look="quiet"
          busy={asking.isFetchingNextPage}
          onClick={() => void asking.fetchNextPage()}
        >
          Show older ones
        </Button>
      )}
    </div>
  );
}

type TableProps<Row> = Pick<ListingProps<Row>, "what" | "keyOf" | "columns" | "open"> & {
  rows: readonly Row[];
};

export function Table<Row>({ what, rows, keyOf, columns, open }: TableProps<Row>) {
  return (
    <Scrolled
      label={`Table of ${what}`}
      look="side-shades rounded-card focus-visible:outline-offset-[-3px]"
    >
      <table className="w-full">
        <thead className="border-line border-b">
          <tr>
            {columns.map((column) => (
              <th
                key={column.title}
                scope="col"
                className={clsx(
                  "whitespace-nowrap px-4 py-2.5 font-medium text-caption text-soft",
                  sideOf(column),
                )}
              >
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {rows.map((row) => (
            <tr key={keyOf(row)} className={clsx("relative", open && "hover:bg-hover")}>
              {columns.map((column, place) => (
                <td
                  key={column.title}
                  className={clsx(
                    "px-4 py-3 align-middle",
                    place === 0 && "min-w-52 wrap-anywhere",
                    sideOf(column),
                  )}
                >
                  {place === 0 && open ? (
                    <Opener row={row} open={open} column={column} />
                  ) : (
                    column.show(row)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolled>
  );
}

interface OpenerProps<Row> {
  row: Row;
  column: Column<Row>;
  open: NonNullable<ListingProps<Row>["open"]>;
}

/** The first cell is the button, and the whole row presses it. */
function Opener<Row>({ row, column, open }: OpenerProps<Row>) {
  return (
    <button
      type="button"
      className="block w-full text-left after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-3 focus-visible:after:outline-link focus-visible:after:outline-offset-[-3px]"
      aria-label={open.label(row)}
      onClick={() => open.onOpen(row)}
    >
      {column.show(row)}
    </button>
  );
}

function sideOf<Row>({ kind }: Column<Row>): string {
  if (kind === "number") return "whitespace-nowrap text-right tabular-nums";
  return kind === "wide" ? "hidden text-left desk:table-cell" : "text-left";
}
