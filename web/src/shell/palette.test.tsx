import { screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { closeAll, open } from "~/testing/pages.tsx";
import { adasServer } from "~/testing/server.ts";
import { aSummary } from "~/testing/tasks.ts";

afterEach(closeAll);

test("the palette finds tasks that are older than the newest ones", async () => {
  const newest = aSummary({ task_id: "task_2", description: "Write a newsletter" });
  const old = aSummary({ task_id: "task_1", description: "Find dentists in Lyon" });
  const server = adasServer().on("GET /api/tasks", ({ search }) => ({
    tasks: search.get("q") === "dentists" ? [old] : [newest],
    next_cursor: null,
  }));
  const { ada, where } = open("/settings", server);

  await ada.click(await screen.findByRole("button", { name: /^Search and commands/ }));
  expect(await screen.findByRole("option", { name: "Write a newsletter" })).toBeDefined();
  await ada.type(screen.getByRole("combobox"), "dentists");
  await ada.click(await screen.findByRole("option", { name: "Find dentists in Lyon" }));

  await waitFor(() => expect(where()).toBe("/dashboard?task=task_1"));
});

test("what the server finds is shown, also by words that the task itself has not", async () => {
  const old = aSummary({ task_id: "task_1", description: "Find dentists in Lyon" });
  const server = adasServer().on("GET /api/tasks", ({ search }) => ({
    tasks: search.get("q") === "praxis" ? [old] : [],
    next_cursor: null,
  }));
  const { ada } = open("/settings", server);

  await ada.click(await screen.findByRole("button", { name: /^Search and commands/ }));
  await ada.type(await screen.findByRole("combobox"), "praxis");

  expect(await screen.findByRole("option", { name: "Find dentists in Lyon" })).toBeDefined();
});

test("letters that are only scattered about find nothing", async () => {
  const { ada } = open("/settings", adasServer());

  await ada.click(await screen.findByRole("button", { name: /^Search and commands/ }));
  await ada.type(await screen.findByRole("combobox"), "tea");

  expect(await screen.findByText("Nothing fits.")).toBeDefined();
  expect(screen.queryByRole("option")).toBeNull();
});
