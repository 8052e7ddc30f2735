/** All that was asked for, newest first, by day; searched and filtered in the address, so that a link shows the same. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Inbox, SquarePen } from "lucide-react";
import { useProduct } from "~/product.ts";
import { isFiltered } from "~/stream/learning.ts";
import { Button, buttonLook } from "~/ui/button.tsx";
import { Empty } from "~/ui/empty.tsx";
import { useNow } from "~/ui/moment.tsx";
import { Problem } from "~/ui/problem.tsx";
import { SkeletonLines } from "~/ui/skeleton.tsx";
import { byDay } from "./days.ts";
import { HistoryFilters } from "./history-filters.tsx";
import { HistoryLine } from "./history-line.tsx";
import type { Filters } from "./keys.ts";
import { historyQuery } from "./queries.ts";

interface HistoryProps {
  filters: Filters;
  chosen: string | undefined;
  onChoose?: () => void;
}

export function History({ filters, chosen, onChoose }: HistoryProps) {
  return (
    <div className="grid gap-3 p-3">
      <Link
        to="/dashboard"
        search={{ ...filters, task: undefined }}
        onClick={onChoose}
        className={buttonLook({ look: "outline", width: "full" })}
      >
        <SquarePen size={17} aria-hidden="true" />
        New task
      </Link>
      <HistoryFilters filters={filters} chosen={chosen} />
      <Lines filters={filters} chosen={chosen} onChoose={onChoose} />
    </div>
  );
}

function Lines({ filters, chosen, onChoose }: HistoryProps) {
  const { api } = useProduct();
  const history = useInfiniteQuery(historyQuery(api, filters));
  const now = useNow(60_000);
  if (history.isPending) return <SkeletonLines what="the history" count={6} />;
  if (history.isError && history.data === undefined) {
    return <Problem problem={history.error} onRetry={() => void history.refetch()} />;
  }
  const tasks = history.data.pages.flatMap((page) => page.tasks);
  if (tasks.length === 0) return <Nothing isFiltered={isFiltered(filters)} />;
  return (
    <div className="grid gap-4">
      {byDay(tasks, now).map(({ day, tasks }) => (
        <section key={day} aria-label={day}>
          <h2 className="px-3 pt-1 pb-1.5 font-semibold text-caption text-soft">{day}</h2>
          <ul className="grid gap-0.5">
            {tasks.map((task) => (
              <HistoryLine
                key={task.task_id}
                task={task}
                filters={filters}
                isChosen={task.task_id === chosen}
                onChoose={onChoose}
              />
            ))}
          </ul>
        </section>
      ))}
      {history.hasNextPage && (
        <Button
          look="quiet"
          size="compact"
          busy={history.isFetchingNextPage}
          onClick={() => void history.fetchNextPage()}
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
      <Empty icon={Inbox} title="Nothing fits">
        Try other words, or fewer filters.
      </Empty>
    );
  }
  return (
    <Empty icon={Inbox} title="Nothing asked yet">
      What you ask for is kept here, with its results and what it cost.
    </Empty>
  );
}
