/** Everybody's tasks, and the desk where a person does the work of one. */
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { answer, type Schema } from "~/api/api.ts";
import { counted } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { oneOf } from "~/routes/search.ts";
import type { Status } from "~/tasks/keys.ts";
import { AGENTS, STATUSES } from "~/tasks/status.ts";
import { Id } from "~/ui/facts.tsx";
import { type Column, Listing } from "~/ui/listing.tsx";
import { Ago } from "~/ui/moment.tsx";
import { Page } from "~/ui/page.tsx";
import { Pill } from "~/ui/pill.tsx";
import { Select } from "~/ui/select.tsx";
import { EVERY_RUN } from "./keys.ts";
import { OfUser } from "./of-user.tsx";
import { useRows } from "./paging.ts";
import { RunSheet } from "./run-sheet.tsx";

type Task = Schema<"OwnedTask">;

const route = getRouteApi("/own/admin/tasks");
const WORDS = Object.keys(STATUSES) as Status[];
const OPTIONS = [
  { value: "", name: "All of them" },
  ...Object.entries(STATUSES).map(([value, { word }]) => ({ value, name: word })),
];
const COLUMNS: Column<Task>[] = [
  {
    title: "Task",
    show: (task) => <span className="line-clamp-2">{task.description}</span>,
  },
  {
    title: "Status",
    show: ({ status }) => <Pill tone={STATUSES[status].tone}>{STATUSES[status].word}</Pill>,
  },
  { title: "Agent", kind: "wide", show: ({ agent_type }) => AGENTS[agent_type] },
  { title: "Customer", kind: "wide", show: ({ user_id }) => <Id id={user_id} /> },
  {
    title: "Spent",
    kind: "number",
    show: ({ credits_spent, maximum }) => `${counted(credits_spent)} / ${counted(maximum)}`,
  },
  { title: "Asked", show: ({ created_at }) => <Ago at={created_at} /> },
];

export function AdminTasks() {
  const { api } = useProduct();
  const navigate = useNavigate();
  const search = route.useSearch();
  const { user, run } = search;
  const status = oneOf(WORDS, search.status);
  const go = (change: Partial<typeof search>) =>
    void navigate({ to: "/admin/tasks", search: { ...search, ...change } });
  const { rows, asking } = useRows(
    [...EVERY_RUN, { status, user }],
    "tasks",
    ({ cursor, signal }) =>
      answer(
        api.GET("/api/admin/tasks", {
          params: {
            query: {
              status: status && [status],
              user_id: user,
              cursor,
            },
          },
          signal,
        }),
      ),
  );
  return (
    <Page
      title="Tasks"
      lead="Take one, and it is yours to do: the customer sees that a person works on it."
      width="wide"
    >
      <search className="flex flex-wrap items-end gap-3">
        <div className="w-52">
          <Select
            label="Show"
            options={OPTIONS}
            value={status ?? ""}
            onChoose={(chosen) => go({ status: chosen || undefined })}
          />
        </div>
        <OfUser userId={user} onClear={() => go({ user: undefined })} />
      </search>
      <Listing
        what="the tasks"
        rows={rows}
        asking={asking}
        keyOf={(task) => task.task_id}
        columns={COLUMNS}
        open={{
          label: (task) => `Open ${task.description}`,
          onOpen: (task) => go({ run: task.task_id }),
        }}
        nothing="There is no such task"
      />
      {run !== undefined && <RunSheet taskId={run} onClose={() => go({ run: undefined })} />}
    </Page>
  );
}
