/** Every movement of credits: filtered, saved, and each traced from the payment to the file and back. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { ReceiptText } from "lucide-react";
import { Suspense } from "react";
import { useProduct } from "~/product.ts";
import { oneOf } from "~/routes/search.ts";
import { Button } from "~/ui/button.tsx";
import { Card } from "~/ui/card.tsx";
import { lazyPart } from "~/ui/code.ts";
import { startOf } from "~/ui/days.ts";
import { Empty } from "~/ui/empty.tsx";
import { Page } from "~/ui/page.tsx";
import { Problem } from "~/ui/problem.tsx";
import { Skeleton, SkeletonLines } from "~/ui/skeleton.tsx";
import { Books } from "./books.tsx";
import { Documents } from "./documents.tsx";
import { Features } from "./features.tsx";
import { KINDS } from "./kinds.ts";
import { LineFilters } from "./line-filters.tsx";
import { LineTable } from "./line-table.tsx";
import { type Filters, linesQuery } from "./queries.ts";
import { TraceSheet } from "./trace-sheet.tsx";

const Chart = lazyPart(() => import("./chart.tsx").then(({ Chart }) => Chart));
const route = getRouteApi("/own/transactions");
const CURVE_LINES_MIN = 4;
const SPENT = "capture";

export function Transactions() {
  const navigate = useNavigate();
  const { trace, ...search } = route.useSearch();
  const filters = known(search);
  const close = () => void navigate({ to: "/transactions", search: filters });
  return (
    <Page
      title="Transactions"
      lead="Every credit that came and went. Nothing is ever changed or removed here."
      actions={<Documents filters={filters} />}
    >
      <Books />
      <Lines filters={filters} />
      {(filters.kind ?? SPENT) === SPENT && <Features filters={filters} />}
      {trace !== undefined && <TraceSheet lineId={trace} onClose={close} />}
    </Page>
  );
}

/** The filters that there are: others may stand in an address, and count for nothing. */
function known({ kind, from, to }: Filters): Filters {
  const isDay = (day: string | undefined) => day !== undefined && startOf(day, 0) !== undefined;
  const word = oneOf(Object.keys(KINDS), kind);
  return { ...(word && { kind: word }), ...(isDay(from) && { from }), ...(isDay(to) && { to }) };
}

function Lines({ filters }: { filters: Filters }) {
  const { api } = useProduct();
  const asking = useInfiniteQuery(linesQuery(api, filters));
  const lines = asking.data?.pages.flatMap((page) => page.transactions);
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <div className="grid gap-4">
      {!isFiltered && lines !== undefined && lines.length >= CURVE_LINES_MIN && (
        <Suspense fallback={<Skeleton shape="h-61 rounded-card" />}>
          <Chart lines={lines} isCut={asking.hasNextPage} />
        </Suspense>
      )}
      <LineFilters filters={filters} />
      {asking.isError && lines === undefined && (
        <Problem problem={asking.error} onRetry={() => void asking.refetch()} />
      )}
      <Card padding="none">
        {asking.isPending && <SkeletonLines what="the transactions" count={7} />}
        {lines?.length === 0 && <Nothing isFiltered={isFiltered} />}
        {lines !== undefined && lines.length > 0 && <LineTable lines={lines} filters={filters} />}
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

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <Empty icon={ReceiptText} title="Nothing fits">
        No credits moved in this way at that time.
      </Empty>
    );
  }
  return (
    <Empty icon={ReceiptText} title="No credits have moved yet">
      Bought credits, delivered work and anything given back appear here, each with its cause.
    </Empty>
  );
}
