import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { aTask } from "~/testing/tasks.ts";
import type { Task } from "./keys.ts";
import { Reply } from "./reply.tsx";
import { Story } from "./story.tsx";

afterEach(cleanup);

function happening(name: string, detail: string | null = null): Task["events"][number] {
  return { name, detail, attempt: null, at: "2026-11-28T09:00:10Z" };
}

test.each([
  ["human", "A person began"],
  ["demo", "An agent began"],
])("what %s began is told so", (executor, words) => {
  render(<Story task={aTask({ events: [happening("started", executor)] })} />);

  expect(screen.getByText(words)).toBeDefined();
});

test.each([
  ["human", "A person has begun."],
  ["openclaw", "An agent has begun."],
])("while %s works, it is said who does", (executor, words) => {
  const onAgain = () => {};
  // cancelling is of no interest here, and would need a server
  const task = aTask({ executor, is_cancel_requested: true });
  render(<Reply task={task} onAgain={onAgain} />);

  expect(screen.getByText(words)).toBeDefined();
});

test.each([
  [100, "Charged 100 credits"],
  [40, "Charged 40 credits, the rest given back"],
  [0, "Nothing charged, all of it given back"],
])("a charge of %i of 100 credits says what became of the rest", (credits_spent, words) => {
  render(<Story task={aTask({ credits_spent, events: [happening("settled")] })} />);

  expect(screen.getByText(words)).toBeDefined();
});

test.each([
  ["2026-11-28T09:00:00.4Z", "Done!"],
  ["2026-11-28T09:00:10Z", "Done!10 s"],
])("what was done at %s took so long: %s", (at, words) => {
  const events = [{ ...happening("completed"), at }];
  render(<Reply task={aTask({ status: "completed", events })} onAgain={() => {}} />);

  expect(screen.getByText("Done!").parentElement?.textContent).toBe(words);
});
