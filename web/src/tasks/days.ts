/** Tasks by the day of their asking, in words. */
import { date } from "~/ui/moment.tsx";
import type { Summary } from "./keys.ts";

export interface Day {
  day: string;
  tasks: Summary[];
}

const MONTH = new Intl.DateTimeFormat("en", { month: "long", year: "numeric" });

/** Keep the order, and put the tasks of a day (or of an earlier month) together. */
export function byDay(tasks: readonly Summary[], now: number): Day[] {
  const days: Day[] = [];
  for (const task of tasks) {
    const day = dayOf(task.created_at, now);
    const last = days.at(-1);
    if (last?.day === day) last.tasks.push(task);
    else days.push({ day, tasks: [task] });
  }
  return days;
}

function dayOf(at: string, now: number): string {
  const past = daysBetween(new Date(at), new Date(now));
  if (past <= 0) return "Today";
  if (past === 1) return "Yesterday";
  return past < 7 ? date(at) : MONTH.format(new Date(at));
}

function daysBetween(one: Date, other: Date): number {
  const start = (moment: Date) =>
    Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate()) / 86_400_000;
  return start(other) - start(one);
}
