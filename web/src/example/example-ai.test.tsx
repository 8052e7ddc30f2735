import { screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { closeAll, open } from "~/testing/pages.tsx";
import { adasServer, problem } from "~/testing/server.ts";

afterEach(closeAll);

const ROUTE = "POST /api/example/use-credits";
const USED = {
  success: true,
  result: "Red, green, blue.",
  credits_used: 1,
  credits_left: 999,
  transaction_id: "txn_1",
};

test("an answer is shown with what it cost, and the chip counts it", async () => {
  const { ada } = open(
    "/example-ai",
    adasServer().on(ROUTE, () => USED),
  );

  await ada.type(await screen.findByLabelText("Ask the example"), "Name three colours");
  await ada.click(screen.getByRole("button", { name: "Ask for 1 credit" }));

  expect(await screen.findByText("Red, green, blue.")).toBeDefined();
  expect(screen.getByText("1 credit used, 999 left")).toBeDefined();
  await waitFor(() => expect(screen.getByTestId("credits-chip").textContent).toContain("999"));
});

test("asked again after an outage it cannot charge twice: the key is the same", async () => {
  const server = adasServer().on(ROUTE, () => problem(503, "unavailable", "Try again soon."));
  const { ada } = open("/example-ai", server);
  const button = await screen.findByRole("button", { name: "Ask for 1 credit" });

  await ada.click(button);
  await screen.findByText("Try again soon.");
  server.on(ROUTE, () => USED);
  await ada.click(button);
  await screen.findByText("Red, green, blue.");
  await ada.click(button);
  await waitFor(() => expect(server.to(ROUTE)).toHaveLength(3));

  const [first, second, third] = server
    .to(ROUTE)
    .map(({ headers }) => headers.get("idempotency-key"));
  expect(second).toBe(first);
  expect(third).not.toBe(first);
});

test("without credits says how many it needs, and where they are", async () => {
  const refusal = () =>
    problem(402, "insufficient_credits", "There are not enough credits.", {
      needed: 1,
      available: 0,
    });
  const { ada } = open("/example-ai", adasServer({ available: 0 }).on(ROUTE, refusal));

  await ada.click(await screen.findByRole("button", { name: "Ask for 1 credit" }));

  expect(await screen.findByText("It needs 1 credit. Nothing was charged.")).toBeDefined();
  expect(screen.getByRole("link", { name: "Get credits" })).toBeDefined();
});
