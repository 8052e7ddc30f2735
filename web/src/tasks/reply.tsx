/** The answer to a task: under way, delivered, or why there is none. */
import { CircleCheck, CircleSlash, CircleX, Clock } from "lucide-react";
import type { ReactNode } from "react";
import { counted, credits } from "~/credits/words.ts";
import { duration } from "~/ui/moment.tsx";
import { Spinner } from "~/ui/spinner.tsx";
import { CancelButton } from "./cancelling.tsx";
import { Elapsed } from "./elapsed.tsx";
import { Files } from "./files.tsx";
import type { Task } from "./keys.ts";
import { AgainButtons } from "./retrying.tsx";
import { isFinal, PERSON } from "./status.ts";
import { Story } from "./story.tsx";
import { Written } from "./written.tsx";

interface ReplyProps {
  task: Task;
  onAgain: (description: string) => void;
}

export function Reply({ task, onAgain }: ReplyProps) {
  if (!isFinal(task.status)) return <UnderWay task={task} />;
  if (task.status === "completed") return <Delivered task={task} />;
  return <Undelivered task={task} onAgain={onAgain} />;
}

function UnderWay({ task }: { task: Task }) {
  const { progress } = task;
  const headline = task.is_cancel_requested ? "Stopping…" : "Working on it…";
  return (
    <div className="grid gap-4">
      <Headline icon={<Spinner size={20} />} text={headline}>
        <Elapsed since={task.created_at} />
      </Headline>
      <p className="text-soft" data-testid="progress">
        {progress?.note ?? waitingFor(task)}
      </p>
      {progress?.text && (
        <div className="border-line border-l-2 pl-4 text-soft">
          <Written text={progress.text} />
        </div>
      )}
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        {!task.is_cancel_requested && <CancelButton task={task} />}
        <p className="text-caption text-soft">
          {credits(task.maximum)} set aside. You can close this page: it goes on.
        </p>
      </div>
      <Story task={task} />
    </div>
  );
}

function waitingFor({ status, executor }: Task): string {
  if (status === "pending") return "Setting credits aside.";
  if (status === "queued") return "Waiting for an agent to begin.";
  return executor === PERSON ? "A person has begun." : "An agent has begun.";
}

function Delivered({ task }: { task: Task }) {
  return (
    <div className="grid grid-cols-1 gap-5">
      <Headline
        icon={<CircleCheck className="text-good" size={22} aria-hidden="true" />}
        text="Done!"
      >
        {took(task)}
      </Headline>
      {task.result && <Written text={task.result} />}
      <Files task={task} />
      <Receipt task={task} />
      <Story task={task} />
    </div>
  );
}

/** What it cost; known a moment after the result. */
function Receipt({ task }: { task: Task }) {
  const isSettled = task.events.some(({ name }) => name === "settled");
  return (
    <p className="text-body" data-testid="receipt">
      Credits used:{" "}
      <span className="font-semibold tabular-nums">
        {isSettled ? counted(task.credits_spent) : "…"}
      </span>
      <span className="text-soft"> of at most {counted(task.maximum)}</span>
    </p>
  );
}

const ENDS = {
  failed: { text: "It could not be done", icon: <CircleX size={22} aria-hidden="true" /> },
  timed_out: { text: "It took too long", icon: <Clock size={22} aria-hidden="true" /> },
  cancelled: { text: "Cancelled", icon: <CircleSlash size={22} aria-hidden="true" /> },
  rejected: { text: "Not enough credits", icon: <CircleX size={22} aria-hidden="true" /> },
};

function Undelivered({ task, onAgain }: ReplyProps) {
  const end = ENDS[task.status as keyof typeof ENDS];
  return (
    <div className="grid gap-4">
      <Headline icon={<span className="text-soft">{end.icon}</span>} text={end.text}>
        {task.status === "rejected" ? null : took(task)}
      </Headline>
      {task.error && <p>{task.error}</p>}
      <p className="font-medium text-good" data-testid="receipt">
        Nothing was charged.
      </p>
      <AgainButtons task={task} onAgain={onAgain} />
      <Story task={task} />
    </div>
  );
}

/** How long it took, unless that is less than a second. */
function took(task: Task): string | null {
  const end = task.events.find(({ name }) => name === task.status);
  if (end === undefined) return null;
  const milliseconds = new Date(end.at).getTime() - new Date(task.created_at).getTime();
  return milliseconds < 1000 ? null : duration(milliseconds);
}

function Headline({
  icon,
  text,
  children,
}: {
  icon: ReactNode;
  text: string;
  children?: ReactNode;
}) {
  return (
    <div className="flex items-center gap-3">
      {icon}
      <h2 className="font-semibold text-title3">{text}</h2>
      {children && <span className="text-caption text-soft tabular-nums">{children}</span>}
    </div>
  );
}
