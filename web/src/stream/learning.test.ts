import { QueryClient } from "@tanstack/react-query";
import { describe, expect, test } from "vitest";
import { BALANCE } from "~/credits/keys.ts";
import { historyKey, type Summary, type Task, taskKey } from "~/tasks/keys.ts";
import { aSummary, aTask } from "~/testing/tasks.ts";
import { type History, learn, withSign, withSummary, withTask } from "./learning.ts";

function aHistory(...tasks: Summary[]): History {
  return { pages: [{ tasks, next_cursor: null }], pageParams: [null] };
}

function ids(history: History): string[] {
  return history.pages.flatMap((page) => page.tasks.map((task) => task.task_id));
}

describe("a summary", () => {
  test("that is newer is believed", () => {
    const task = aTask({ status: "running", updated_at: "2026-11-28T10:00:00Z" });

    const known = withSummary(
      task,
      aSummary({ status: "completed", updated_at: "2026-11-28T10:00:01Z" }),
    );

    expect(known.status).toBe("completed");
  });

  test("that is older changes nothing", () => {
    const task = aTask({ status: "completed", updated_at: "2026-11-28T10:00:01Z" });

    const known = withSummary(
      task,
      aSummary({ status: "running", updated_at: "2026-11-28T10:00:00Z" }),
    );

    expect(known).toBe(task);
  });
});

describe("a sign of life", () => {
  const sign = { task_id: "task_1", attempt: 1, note: null, text: null };

  test("adds what it says to what is known", () => {
    const reading = withSign(aTask(), { ...sign, note: "Reading." });

    const writing = withSign(reading, { ...sign, text: "Dear" });

    expect(writing.progress).toEqual({ attempt: 1, note: "Reading.", text: "Dear" });
  });

  test("of a later attempt begins with an empty page", () => {
    const first = withSign(aTask(), { ...sign, note: "Reading.", text: "Dear" });

    const second = withSign(first, { ...sign, attempt: 2, note: "Again." });

    expect(second.progress).toEqual({ attempt: 2, note: "Again.", text: null });
  });

  test("of an earlier attempt comes too late", () => {
    const second = withSign(aTask(), { ...sign, attempt: 2, note: "Again." });

    expect(withSign(second, { ...sign, note: "Reading." })).toBe(second);
  });
});

describe("the history", () => {
  test("has a new task at its top", () => {
    const history = withTask(
      aHistory(aSummary({ task_id: "task_1" })),
      aSummary({ task_id: "task_2" }),
    );

    expect(ids(history)).toEqual(["task_2", "task_1"]);
  });

  test("shows a known task as it is now, where it was", () => {
    const history = aHistory(aSummary({ task_id: "task_2" }), aSummary({ task_id: "task_1" }));
    const done = aSummary({
      task_id: "task_1",
      status: "completed",
      updated_at: "2026-11-29T00:00:00Z",
    });

    const learned = withTask(history, done);

    expect(ids(learned)).toEqual(["task_2", "task_1"]);
    expect(learned.pages[0]?.tasks[1]?.status).toBe("completed");
  });

  test("leaves a task of a later page there", () => {
    const history: History = {
      pages: [{ tasks: [aSummary({ task_id: "task_5" })], next_cursor: "more" }],
      pageParams: [null],
    };

    expect(withTask(history, aSummary({ task_id: "task_1" }))).toEqual(history);
  });

  test("that was empty has one task then", () => {
    expect(ids(withTask(aHistory(), aSummary({ task_id: "task_1" })))).toEqual(["task_1"]);
  });
});

describe("what the pages know", () => {
  test("follows the stream's credits", () => {
    const queries = new QueryClient();
    const credits = { available: 900, reserved: 100, balance: 1000 };

    learn(queries, { kind: "credits", sequence: 3, credits });

    expect(queries.getQueryData(BALANCE)).toEqual(credits);
  });

  test("follows a task in the whole history, and asks again for a filtered one", () => {
    const queries = new QueryClient();
    queries.setQueryData(historyKey({}), aHistory());
    queries.setQueryData(historyKey({ q: "leads" }), aHistory());

    learn(queries, { kind: "task", sequence: 4, task: aSummary({ task_id: "task_9" }) });

    expect(ids(queries.getQueryData<History>(historyKey({})) as History)).toEqual(["task_9"]);
    expect(queries.getQueryState(historyKey({ q: "leads" }))?.isInvalidated).toBe(true);
  });

  test("has a task's progress before the task is asked about again", () => {
    const queries = new QueryClient();
    queries.setQueryData(taskKey("task_1"), aTask({ task_id: "task_1" }));
    const sign = { task_id: "task_1", attempt: 1, note: "Reading.", text: null };

    learn(queries, { kind: "progress", sequence: 5, sign });

    expect(queries.getQueryData<Task>(taskKey("task_1"))?.progress?.note).toBe("Reading.");
  });

  test("is asked anew where the stream starts now", () => {
    const queries = new QueryClient();
    queries.setQueryData(taskKey("task_1"), aTask({ task_id: "task_1" }));

    learn(queries, {
      kind: "hello",
      sequence: 0,
      credits: { available: 1, reserved: 0, balance: 1 },
    });

    expect(queries.getQueryState(taskKey("task_1"))?.isInvalidated).toBe(true);
  });
});
