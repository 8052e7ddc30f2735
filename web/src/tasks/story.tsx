/** What happened to a task, in order, for whoever wants to know. */
import type { Schema } from "~/api/api.ts";
import { credits } from "~/credits/words.ts";
import { exact } from "~/ui/moment.tsx";
import type { Task } from "./keys.ts";
import { PERSON } from "./status.ts";

type Happening = Schema<"TaskEventView">;

const SAID: Record<string, string> = {
  created: "You asked for it",
  queued: "Credits set aside, waiting for an agent",
  started: "An agent began",
  cancel_requested: "You asked to stop",
  completed: "Delivered",
  failed: "Not delivered",
  timed_out: "Took too long",
  cancelled: "Stopped",
  rejected: "Turned down",
};

export function Story({ task }: { task: Task }) {
  if (task.events.length === 0) return null;
  return (
    <details className="text-caption">
      <summary className="w-fit rounded-small text-soft hover:text-ink">What happened</summary>
      <ol className="mt-3 grid gap-2 border-line border-l pl-4">
        {task.events.map((happening) => (
          <li
            key={`${happening.name} ${happening.attempt}`}
            className="flex flex-wrap justify-between gap-x-4"
          >
            <span>{said(happening, task)}</span>
            <time dateTime={happening.at} className="text-soft tabular-nums">
              {exact(happening.at)}
            </time>
          </li>
        ))}
      </ol>
    </details>
  );
}

function said({ name, attempt, detail }: Happening, task: Task): string {
  if (name === "settled") return settled(task);
  const words = name === "started" && detail === PERSON ? "A person began" : (SAID[name] ?? name);
  return attempt !== null && attempt > 1 ? `${words} (attempt ${attempt})` : words;
}

function settled({ credits_spent, maximum }: Task): string {
  if (credits_spent === 0) return "Nothing charged, all of it given back";
  const charged = `Charged ${credits(credits_spent)}`;
  return credits_spent < maximum ? `${charged}, the rest given back` : charged;
}
