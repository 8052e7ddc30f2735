/** Asking for work: one conversation for each task, and all of them at the side. */
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { History as HistoryIcon, SquarePen } from "lucide-react";
import { type RefObject, useEffect, useRef, useState } from "react";
import { useSession } from "~/product.ts";
import { oneOf } from "~/routes/search.ts";
import { Button } from "~/ui/button.tsx";
import { Sheet } from "~/ui/dialog.tsx";
import { useTitle } from "~/ui/page.tsx";
import { Composer } from "./composer.tsx";
import { Conversation } from "./conversation.tsx";
import { History } from "./history.tsx";
import type { AgentType, Filters } from "./keys.ts";
import { Outgoing } from "./outgoing.tsx";
import { SHOWN } from "./queries.ts";
import { AGENTS } from "./status.ts";
import { type Ordering, useOrder } from "./use-order.ts";
import { Welcome } from "./welcome.tsx";

type Words<Name extends string> = Partial<Record<Name, string>>;

const route = getRouteApi("/own/dashboard");

export function Dashboard() {
  const state = useSession();
  return state.status === "signed-in" ? <Desk key={state.userId} userId={state.userId} /> : null;
}

function Desk({ userId }: { userId: string }) {
  const navigate = useNavigate();
  const { task, ...search } = route.useSearch();
  const filters = known(search);
  const ordering = useOrder(userId, (taskId) =>
    navigate({ to: "/dashboard", search: { ...filters, task: taskId } }),
  );
  return (
    <div className="desk:grid desk:grid-cols-[20rem_1fr]">
      <aside
        aria-label="History"
        className="sticky top-14 hidden h-[calc(100dvh-3.5rem)] overflow-y-auto border-line border-r desk:block"
      >
        <History filters={filters} chosen={task} />
      </aside>
      <Talk taskId={task} filters={filters} ordering={ordering} />
    </div>
  );
}

/** The filters that there are: other words may stand in an address, and count for nothing. */
function known({ agent, show, ...others }: Words<keyof Filters>): Filters {
  return {
    ...others,
    agent: oneOf(Object.keys(AGENTS) as AgentType[], agent),
    show: oneOf(Object.keys(SHOWN) as (keyof typeof SHOWN)[], show),
  };
}

interface TalkProps {
  taskId: string | undefined;
  filters: Filters;
  ordering: Ordering;
}

function Talk({ taskId, filters, ordering }: TalkProps) {
  const writing = useRef<HTMLTextAreaElement>(null);
  const { sending } = ordering.order;
  const isTalking = sending !== null || taskId !== undefined;
  useFocusKept(writing, sending !== null);
  const again = (description: string) => {
    ordering.write(description);
    writing.current?.focus();
  };
  return (
    <div className="flex min-h-[calc(100dvh-3.5rem)] min-w-0 flex-col">
      <Tools filters={filters} chosen={taskId} />
      {isTalking ? (
        <>
          <div className="mx-auto w-full max-w-3xl flex-1 px-4 pt-4 pb-8 tablet:px-6 tablet:pt-8">
            {sending !== null || taskId === undefined ? (
              <Outgoing ordering={ordering} />
            ) : (
              <Conversation key={taskId} taskId={taskId} onAgain={again} />
            )}
          </div>
          <div className="sticky bottom-0 bg-linear-to-t from-80% from-page to-transparent px-4 pt-4 pb-4 tablet:px-6">
            <div className="mx-auto max-w-3xl">
              <Composer ordering={ordering} writing={writing} place="below" />
            </div>
          </div>
        </>
      ) : (
        <Start ordering={ordering} writing={writing} />
      )}
    </div>
  );
}

/** Who sends with the keyboard goes on with it: the field below has the focus that the one in the middle had. */
function useFocusKept(writing: RefObject<HTMLTextAreaElement | null>, isSending: boolean): void {
  useEffect(() => {
    if (isSending && matchMedia("(pointer: fine)").matches) writing.current?.focus();
  }, [writing, isSending]);
}

function Start({
  ordering,
  writing,
}: {
  ordering: Ordering;
  writing: RefObject<HTMLTextAreaElement | null>;
}) {
  useTitle("Work");
  return (
    <div className="mx-auto grid w-full max-w-3xl flex-1 content-center gap-8 px-4 pt-6 pb-[14vh] tablet:px-6">
      <h1 tabIndex={-1} className="text-center font-bold text-title2 tablet:text-title1">
        What do you need done?
      </h1>
      <Composer ordering={ordering} writing={writing} place="middle" />
      <Welcome ordering={ordering} writing={writing} />
    </div>
  );
}

/** What narrow windows have in place of the side. */
function Tools({ filters, chosen }: { filters: Filters; chosen: string | undefined }) {
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  return (
    <div className="flex justify-between px-4 pt-3 tablet:px-6 desk:hidden">
      <Button size="compact" onClick={() => setOpen(true)}>
        <HistoryIcon size={16} aria-hidden="true" />
        History
      </Button>
      {chosen && (
        <Button size="compact" onClick={() => void navigate({ to: "/dashboard", search: filters })}>
          <SquarePen size={16} aria-hidden="true" />
          New task
        </Button>
      )}
      <Sheet open={isOpen} onClose={() => setOpen(false)} title="History" side="left">
        <History filters={filters} chosen={chosen} onChoose={() => setOpen(false)} />
      </Sheet>
    </div>
  );
}
