/** One task: what was asked, and what has come of it so far. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { SearchX } from "lucide-react";
import { useEffect, useRef } from "react";
import { isMissing } from "~/api/problems.ts";
import { useProduct } from "~/product.ts";
import { useAnnounce } from "~/ui/announcer.tsx";
import { buttonLook } from "~/ui/button.tsx";
import { cut } from "~/ui/cut.ts";
import { Empty } from "~/ui/empty.tsx";
import { Moment } from "~/ui/moment.tsx";
import { Heading, useTitle } from "~/ui/page.tsx";
import { Problem } from "~/ui/problem.tsx";
import { Loading, Skeleton } from "~/ui/skeleton.tsx";
import { Bubble } from "./bubble.tsx";
import type { Task } from "./keys.ts";
import { taskQuery } from "./queries.ts";
import { Reply } from "./reply.tsx";
import { AGENTS, STATUSES } from "./status.ts";

interface ConversationProps {
  taskId: string;
  /** Begin the same work again, to be changed. */
  onAgain: (description: string) => void;
}

export function Conversation({ taskId, onAgain }: ConversationProps) {
  const { api } = useProduct();
  const { data: task, error, refetch } = useQuery(taskQuery(api, taskId));
  if (task !== undefined) return <Talk task={task} onAgain={onAgain} />;
  if (isMissing(error)) return <Missing />;
  if (error !== null) return <Problem problem={error} onRetry={() => void refetch()} />;
  return <Coming />;
}

function Talk({ task, onAgain }: { task: Task; onAgain: (description: string) => void }) {
  useTitle(`${STATUSES[task.status].word}: ${firstLine(task.description)}`);
  useSaid(task);
  return (
    <article className="grid grid-cols-1 gap-6" data-testid="task" data-status={task.status}>
      <Heading>Task: {firstLine(task.description)}</Heading>
      <div className="grid gap-1.5">
        <Bubble text={task.description} />
        <p className="text-right text-caption text-soft">
          {AGENTS[task.agent_type]} · <Moment at={task.created_at} />
        </p>
      </div>
      <Reply task={task} onAgain={onAgain} />
    </article>
  );
}

/** A task is read out when it is opened, and what becomes of it when it happens. */
function useSaid({ description, status }: Task): void {
  const announce = useAnnounce();
  const opened = useRef(false);
  useEffect(() => {
    const { word } = STATUSES[status];
    announce(opened.current ? word : `Task: ${firstLine(description)}. ${word}`);
    opened.current = true;
  }, [announce, description, status]);
}

export function firstLine(text: string): string {
  const line = text.trim().split("\n")[0] ?? "";
  return cut(line, 80);
}

function Coming() {
  return (
    <div className="grid gap-6">
      <Loading what="the task" />
      <div className="flex justify-end">
        <Skeleton shape="h-13 w-64 rounded-bubble" />
      </div>
      <Skeleton shape="h-5 w-40" />
      <Skeleton shape="h-4 w-full" />
      <Skeleton shape="h-4 w-4/5" />
    </div>
  );
}

function Missing() {
  useTitle("Not found");
  return (
    <>
      <Heading>Not found</Heading>
      <Empty
        icon={SearchX}
        title="There is no such task"
        action={
          <Link to="/dashboard" className={buttonLook({ look: "primary" })}>
            New task
          </Link>
        }
      >
        The link may be cut off, or the task is in another account.
      </Empty>
    </>
  );
}
