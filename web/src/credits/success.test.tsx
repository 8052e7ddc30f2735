import { screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { closeAll, open } from "~/testing/pages.tsx";
import { adasServer, problem, Server, tokenOf } from "~/testing/server.ts";
import type { Checkout } from "./queries.ts";

const PATH = "/dashboard/credits/success?session_id=cs_1";
const PAID: Checkout = {
  status: "complete",
  payment_status: "paid",
  credits: 50,
  granted: false,
  granted_at: null,
  email: "ada@example.com",
  email_state: "none",
  account: null,
  is_yours: false,
  waits_for: null,
};

afterEach(closeAll);

function checkouts(server: Server, ...states: Partial<Checkout>[]): Server {
  return server.on("GET /api/billing/checkout-session/cs_1", () => ({
    ...PAID,
    ...(states.length > 1 ? states.shift() : states[0]),
  }));
}

test("says that credits are added when they are, and not before", async () => {
  localStorage.setItem("signed-in", "yes");
  open(PATH, checkouts(adasServer(), {}, { granted: true, is_yours: true }));

  expect(await screen.findByRole("heading", { name: "Payment received" })).toBeDefined();
  expect(screen.queryByText("50 credits added!")).toBeNull();
  expect(await screen.findByRole("heading", { name: "50 credits added!" })).toBeDefined();
  expect(screen.getByRole("link", { name: "Get something done" })).toBeDefined();
});

test("lets a guest claim the account that the payment opened", async () => {
  const server = checkouts(new Server(), { granted: true, account: "new", email_state: "sent" }).on(
    "POST /api/auth/claim",
    () => ({ token: tokenOf("ada@example.com"), email: "ada@example.com", credits: 50 }),
  );
  const { ada, where } = open(PATH, server);

  await ada.type(await screen.findByLabelText("New password"), "correct horse battery");
  await ada.click(screen.getByRole("button", { name: "Open my account" }));

  await waitFor(() => expect(where()).toBe("/dashboard"));
  expect(server.to("POST /api/auth/claim")[0]?.body).toEqual({
    session_id: "cs_1",
    password: "correct horse battery",
  });
});

test("names the account that got the credits where somebody else is signed in", async () => {
  localStorage.setItem("signed-in", "yes");
  const paid = { granted: true, account: "new", email: "payer@example.com" } as const;
  open(PATH, checkouts(adasServer(), paid));

  expect(await screen.findByText("payer@example.com")).toBeDefined();
  expect(screen.queryByText(/your account and ready/)).toBeNull();
  expect(screen.queryByLabelText("New password")).toBeNull();
});

test("sends a guest whose account is claimed already to the sign-in", async () => {
  const server = checkouts(new Server(), { granted: true, account: "new" }).on(
    "POST /api/auth/claim",
    () => problem(409, "already_claimed", "Sign in, or use the mailed link."),
  );
  const { ada } = open(PATH, server);

  await ada.type(await screen.findByLabelText("New password"), "correct horse battery");
  await ada.click(screen.getByRole("button", { name: "Open my account" }));

  // the header has one too
  expect((await screen.findAllByRole("link", { name: "Sign in" })).length).toBe(2);
  expect(screen.queryByLabelText("New password")).toBeNull();
});

test.each<[Partial<Checkout>, string]>([
  [{ status: "processing", payment_status: "unpaid" }, "Your bank is on it"],
  [{ status: "open", payment_status: "unpaid" }, "Confirming your payment…"],
  [{ waits_for: "address" }, "Payment received. Now confirm your e-mail"],
  [{ waits_for: "review", credits: 0 }, "Payment received"],
  [{ status: "expired", payment_status: "unpaid" }, "This was not paid"],
  [{ status: "failed", payment_status: "unpaid" }, "This was not paid"],
])("%o is told as: %s", async (state, title) => {
  open(PATH, checkouts(new Server(), state));

  expect(await screen.findByRole("heading", { name: title })).toBeDefined();
});

test("a payment that nobody knows is none", async () => {
  open(PATH, new Server());

  expect(await screen.findByRole("heading", { name: "There is no such payment" })).toBeDefined();
});
