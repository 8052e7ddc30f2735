/** What the pages know, brought up to date by what the stream tells. */
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { Schema } from "~/api/api.ts";
import { BALANCE, EVERY_LINE, INVOICES, SUBSCRIPTION, SUMMARY } from "~/credits/keys.ts";
import { EVERY_HISTORY, EVERY_TASK, type Filters, taskKey } from "~/tasks/keys.ts";
import type { Credits, News, Sign, Summary } from "./news.ts";

type Task = Schema<"TaskView">;
export type History = InfiniteData<Schema<"Tasks">>;

export function learn(queries: QueryClient, news: News): void {
  if (news.kind === "hello") startOver(queries, news.credits);
  if (news.kind === "task") learnTask(queries, news.task);
  if (news.kind === "progress") learnSign(queries, news.sign);
  if (news.kind === "credits") learnCredits(queries, news.credits);
}

/** The stream starts now: what was asked before may miss a change. */
function startOver(queries: QueryClient, credits: Credits): void {
  learnCredits(queries, credits);
  void queries.invalidateQueries({ queryKey: EVERY_TASK });
}

function learnTask(queries: QueryClient, summary: Summary): void {
  const key = taskKey(summary.task_id);
  queries.setQueryData<Task>(key, (task) => task && withSummary(task, summary));
  void queries.invalidateQueries({ queryKey: key }); // its story, its result and its files
  for (const [historyKey, history] of queries.getQueriesData<History>({
    queryKey: EVERY_HISTORY,
  })) {
    if (history === undefined) continue;
    if (isFiltered(historyKey[2] as Filters))
      void queries.invalidateQueries({ queryKey: historyKey });
    else queries.setQueryData(historyKey, withTask(history, summary));
  }
}

function learnSign(queries: QueryClient, sign: Sign): void {
  queries.setQueryData<Task>(taskKey(sign.task_id), (task) => task && withSign(task, sign));
}

function learnCredits(queries: QueryClient, credits: Credits): void {
  queries.setQueryData(BALANCE, credits);
  for (const queryKey of [SUMMARY, EVERY_LINE, SUBSCRIPTION, INVOICES])
    void queries.invalidateQueries({ queryKey });
}

export function isFiltered(filters: Filters): boolean {
  return Object.values(filters).some((value) => value !== undefined);
}

/** The task with what the summary says, if that is not older. */
export function withSummary(task: Task, summary: Summary): Task {
  return summary.updated_at < task.updated_at ? task : { ...task, ...summary };
}

/** The task with an agent's sign of life; a later attempt begins with an empty page. */
export function withSign(task: Task, sign: Sign): Task {
  const { progress } = task;
  if (progress !== null && sign.attempt < progress.attempt) return task;
  const known = progress?.attempt === sign.attempt ? progress : { note: null, text: null };
  const { attempt, note, text } = sign;
  return { ...task, progress: { attempt, note: note ?? known.note, text: text ?? known.text } };
}

/** The whole history with this task as it is now, at the top if it is new. */
export function withTask(history: History, summary: Summary): History {
  const isKnown = history.pages.some((page) => page.tasks.some(isThe(summary)));
  const pages = isKnown ? history.pages.map((page) => replaced(page, summary)) : history.pages;
  if (isKnown || isOlder(summary, history)) return { ...history, pages };
  const [first = { tasks: [], next_cursor: null }, ...others] = pages;
  return { ...history, pages: [{ ...first, tasks: [summary, ...first.tasks] }, ...others] };
}

function replaced(page: Schema<"Tasks">, summary: Summary): Schema<"Tasks"> {
  const newer = (task: Summary) =>
    isThe(summary)(task) && task.updated_at <= summary.updated_at ? summary : task;
  return { ...page, tasks: page.tasks.map(newer) };
}

/** Tasks have ids that grow with time: an older one than all that are shown is on a later page. */
function isOlder(summary: Summary, history: History): boolean {
  const shown = history.pages.flatMap((page) => page.tasks);
  const isWhole = history.pages.at(-1)?.next_cursor == null;
  return !isWhole && shown.every((task) => task.task_id > summary.task_id);
}

function isThe(summary: Summary): (task: Summary) => boolean {
  return (task) => task.task_id === summary.task_id;
}
