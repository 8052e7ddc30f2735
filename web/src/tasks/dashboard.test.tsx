import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, test } from "vitest";
import { closeAll, open } from "~/testing/pages.tsx";
import { adasServer, problem, type Server } from "~/testing/server.ts";
import { aQuote, aTask } from "~/testing/tasks.ts";

const TASK = "task_019ad0000000700080000000000000aa";
const LATER = new Date(Date.now() + 900_000).toISOString();

afterEach(closeAll);

function sellingServer({ available = 1000, maximum = 100 } = {}): Server {
  return adasServer({ available })
    .on("POST /api/tasks/estimate", () =>
      aQuote({ maximum, expected: maximum, valid_until: LATER }),
    )
    .on("POST /api/tasks", () =>
      Response.json(
        { task_id: TASK, status: "pending", credits_remaining: available - maximum },
        { status: 201 },
      ),
    )
    .on(`GET /api/tasks/${TASK}`, () => aTask({ task_id: TASK, status: "pending" }));
}

async function writing(): Promise<HTMLElement> {
  return screen.findByRole("textbox", { name: "What do you need done?" });
}

describe("asking for work", () => {
  test("shows the price before anything is sent, and sends on its terms", async () => {
    const server = sellingServer();
    const { ada, where } = open("/dashboard", server);

    await ada.type(await writing(), "Find me 100 leads in Miami");
    expect(await screen.findByTestId("quote")).toHaveProperty(
      "textContent",
      expect.stringMatching(/^100 credits · Lead generation/),
    );
    expect(server.to("POST /api/tasks")).toEqual([]);
    await ada.keyboard("{Enter}");

    expect(await screen.findByText("Working on it…")).toBeDefined();
    const [order] = server.to("POST /api/tasks");
    expect(order?.body).toMatchObject({
      description: "Find me 100 leads in Miami",
      quote_id: "quote_1",
    });
    expect(order?.headers.get("idempotency-key")).toMatch(/^[0-9a-f]{32}$/);
    expect(where()).toBe(`/dashboard?task=${TASK}`);
    expect(screen.getByTestId("credits-chip").textContent).toContain("900");
    expect(screen.queryByText("What do you need done?")).toBeNull();
  });

  test("with Enter before the price is there asks for it, and for Enter again", async () => {
    const server = sellingServer();
    const { ada } = open("/dashboard", server);

    await ada.type(await writing(), "Find leads{Enter}");

    expect((await screen.findByTestId("quote")).textContent).toContain("press Enter again to send");
    expect(server.to("POST /api/tasks")).toEqual([]);
  });

  test("that costs more than there is says how much is missing, and where there is more", async () => {
    const server = sellingServer({ available: 40 });
    const { ada } = open("/dashboard", server);

    await ada.type(await writing(), "Find me 100 leads");
    const quote = await screen.findByTestId("quote");
    await ada.keyboard("{Enter}");

    expect(quote.textContent).toContain("60 more than you have");
    expect(within(quote).getByRole("link", { name: "Get credits" })).toHaveProperty(
      "pathname",
      "/credits",
    );
    expect(server.to("POST /api/tasks")).toEqual([]);
  });

  test("at a price that is over keeps the words, and shows today's price", async () => {
    const server = sellingServer().on("POST /api/tasks", () =>
      problem(409, "quote_expired", "The quote is no longer valid; ask for a new one."),
    );
    const { ada } = open("/dashboard", server);
    await ada.type(await writing(), "Find leads");
    await screen.findByTestId("quote");

    await ada.keyboard("{Enter}");

    await waitFor(() => expect(server.to("POST /api/tasks/estimate")).toHaveLength(2));
    expect(await writing()).toHaveProperty("value", "Find leads");
    expect(await screen.findByTestId("quote")).toBeDefined();
  });

  test("survives a reload in the middle: the same order, under the same key", async () => {
    const server = sellingServer();
    const { ada } = open("/dashboard", server);
    await ada.type(await writing(), "Find leads");
    await screen.findByTestId("quote");
    let firstKey: string | null = null;
    server.on("POST /api/tasks", ({ headers }) => {
      firstKey = headers.get("idempotency-key");
      return new Promise<never>(() => {}); // the answer never comes
    });
    await ada.keyboard("{Enter}");
    await waitFor(() => expect(firstKey).not.toBeNull());
    const kept = localStorage.getItem("draft of usr_1");
    await closeAll();
    localStorage.setItem("draft of usr_1", kept ?? "");

    const again = sellingServer();
    open("/dashboard", again);

    await waitFor(() => expect(again.to("POST /api/tasks")).toHaveLength(1));
    expect(again.to("POST /api/tasks")[0]?.headers.get("idempotency-key")).toBe(firstKey);
  });

  test("while nobody answers waits, and can be taken back", async () => {
    const server = sellingServer();
    const { ada } = open("/dashboard", server);
    await ada.type(await writing(), "Find leads");
    await screen.findByTestId("quote");

    server.isAway = true;
    await ada.keyboard("{Enter}");
    await ada.click(await screen.findByRole("button", { name: "Take it back" }));

    expect(await writing()).toHaveProperty("value", "Find leads");
  });
});

describe("a task", () => {
  test("that is delivered shows its result, its file and what it cost", async () => {
    const file = {
      id: "file_1",
      name: "leads.csv",
      size: 5200,
      media_type: "text/csv",
      sha256: "ab".repeat(32),
    };
    const task = aTask({
      status: "completed",
      result: "Done! Found **103** leads.",
      files: [file],
      credits_spent: 100,
      events: [{ name: "settled", attempt: null, detail: null, at: "2026-11-28T09:01:00Z" }],
    });
    open("/dashboard?task=task_1", adasServer({ tasks: [task] }));

    expect(await screen.findByRole("heading", { name: "Done!" })).toBeDefined();
    expect(await screen.findByText("103")).toHaveProperty("tagName", "STRONG");
    expect(screen.getByRole("button", { name: "Download results (leads.csv)" })).toBeDefined();
    expect(screen.getByTestId("receipt").textContent).toContain("Credits used: 100");
  });

  test("whose result has HTML and pictures shows neither", async () => {
    const result =
      "<img src=x onerror=alert(1)> ![spy](https://spy.example/p.png) [go](javascript:alert(1))";
    open("/dashboard?task=task_1", adasServer({ tasks: [aTask({ status: "completed", result })] }));

    const link = await screen.findByRole("link", { name: "spy" });

    expect(link).toHaveProperty("href", "https://spy.example/p.png");
    expect(document.querySelector("img")).toBeNull();
    expect(screen.getByText("go").getAttribute("href") ?? "").not.toContain("javascript");
  });

  test("that came to nothing says why, that nothing was charged, and runs again once", async () => {
    const task = aTask({ status: "failed", error: "The site was down." });
    const server = adasServer({ tasks: [task] }).on("POST /api/tasks/task_1/retry", () =>
      Response.json({ task_id: TASK, status: "pending", credits_remaining: 0 }, { status: 201 }),
    );
    const { ada, where } = open("/dashboard?task=task_1", server);

    expect(await screen.findByText("The site was down.")).toBeDefined();
    expect(screen.getByTestId("receipt").textContent).toBe("Nothing was charged.");
    await ada.click(screen.getByRole("button", { name: /^Run it again/ }));

    await waitFor(() => expect(where()).toContain(TASK));
    expect(server.to("POST /api/tasks/task_1/retry")).toHaveLength(1);
  });

  test("is run again under the same key where nobody said whether it was taken", async () => {
    let isThere = false;
    const task = aTask({ status: "failed", error: "The site was down." });
    const server = adasServer({ tasks: [task] }).on("POST /api/tasks/task_1/retry", () =>
      isThere
        ? Response.json({ task_id: TASK, status: "pending", credits_remaining: 0 }, { status: 201 })
        : problem(503, "unavailable", "Try again soon."),
    );
    const { ada, where } = open("/dashboard?task=task_1", server);
    const again = await screen.findByRole("button", { name: /^Run it again/ });

    await ada.click(again);
    await screen.findByText("Try again soon.");
    isThere = true;
    await ada.click(again);

    await waitFor(() => expect(where()).toContain(TASK));
    const asked = server.to("POST /api/tasks/task_1/retry");
    const keys = asked.map(({ headers }) => headers.get("idempotency-key"));
    expect(new Set(keys).size).toBe(1);
    expect(keys).toHaveLength(2);
  });

  test("is stopped at once for the eye, and goes on where that is refused", async () => {
    const server = adasServer({ tasks: [aTask()] }).on("POST /api/tasks/task_1/cancel", () =>
      problem(409, "already_finished", "The task has already ended."),
    );
    const { ada } = open("/dashboard?task=task_1", server);

    await ada.click(await screen.findByRole("button", { name: "Cancel" }));
    await ada.click(await screen.findByRole("button", { name: "Stop it" }));

    expect(await screen.findByText("The task has already ended.")).toBeDefined();
    expect(await screen.findByText("Working on it…")).toBeDefined();
  });

  test("of nobody's is told so", async () => {
    open("/dashboard?task=task_2", adasServer());

    expect(await screen.findByText("There is no such task")).toBeDefined();
  });
});

test("words in the address that mean nothing filter nothing", async () => {
  const server = adasServer({ tasks: [aTask({ description: "Find me 100 leads in Miami" })] });
  open("/dashboard?agent=nonsense&show=nonsense", server);

  await screen.findByRole("link", { name: /Find me 100 leads/ });
  const { search } = server.to("GET /api/tasks")[0] ?? {};
  expect([search?.get("agent_type"), search?.get("status")]).toEqual([null, null]);
});

test("the history is searched in the address", async () => {
  const server = adasServer({ tasks: [aTask({ description: "Find me 100 leads in Miami" })] });
  const { ada, where } = open("/dashboard", server);

  await ada.type(await screen.findByRole("searchbox", { name: "Search" }), "leads");

  await waitFor(() => expect(where()).toBe("/dashboard?q=leads"));
  await waitFor(() => expect(server.to("GET /api/tasks").at(-1)?.search.get("q")).toBe("leads"));
});
