/** One task in the history. */
import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleSlash, CircleX } from "lucide-react";
import { credits } from "~/credits/words.ts";
import { cut } from "~/ui/cut.ts";
import { Ago } from "~/ui/moment.tsx";
import { Spinner } from "~/ui/spinner.tsx";
import type { Filters, Status, Summary } from "./keys.ts";
import { isFinal, STATUSES } from "./status.ts";

/** As much as two lines hold, and as little as one listens to. */
const CHARS_MAX = 90;

interface HistoryLineProps {
  task: Summary;
  filters: Filters;
  isChosen: boolean;
  onChoose: (() => void) | undefined;
}

export function HistoryLine({ task, filters, isChosen, onChoose }: HistoryLineProps) {
  const { word } = STATUSES[task.status];
  return (
    <li>
      <Link
        to="/dashboard"
        search={{ ...filters, task: task.task_id }}
        onClick={onChoose}
        aria-current={isChosen ? "page" : undefined}
        className="grid grid-cols-[auto_1fr] gap-x-2.5 rounded-field px-3 py-2 hover:bg-hover focus-visible:outline-offset-[-3px] aria-[current=page]:bg-well"
      >
        <span className="pt-0.5">
          <Sign status={task.status} />
        </span>
        <span className="line-clamp-2 text-body">{cut(task.description, CHARS_MAX)}</span>
        <span className="col-start-2 text-caption text-soft">
          {word} · <Ago at={task.created_at} />
          {task.credits_spent > 0 && ` · ${credits(task.credits_spent)}`}
        </span>
      </Link>
    </li>
  );
}

function Sign({ status }: { status: Status }) {
  if (!isFinal(status)) {
    return (
      <span className="text-link">
        <Spinner size={16} />
      </span>
    );
  }
  if (status === "completed")
    return <CircleCheck size={16} className="text-good" aria-hidden="true" />;
  const Icon = status === "cancelled" ? CircleSlash : CircleX;
  return <Icon size={16} className="text-soft" aria-hidden="true" />;
}
