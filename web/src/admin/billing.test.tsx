import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { closeAll, open } from "~/testing/pages.tsx";
import { adasServer, type Server } from "~/testing/server.ts";

afterEach(closeAll);

const SYNC = "POST /api/billing/sync-prices";
const SAME = { dry_run: true, added: [], changed: [], deactivated: [], unchanged: [], skipped: [] };
const DIFFERENT = {
  ...SAME,
  added: [{ price_id: "price_2", name: "1,000 credits", fields: {} }],
  changed: [{ price_id: "price_1", name: "Basic", fields: { credits: [500, 600] } }],
  skipped: [{ product_id: "prod_3", name: "Mug", reason: "no includedCredits" }],
};
const CLOSE = "POST /api/admin/payments/pay_1/close";
const IN_REVIEW = {
  id: "pay_1",
  email: "payer@example.com",
  status: "review",
  note: "in eur",
  amount_cents: 900,
  currency: "eur",
  credits: 0,
  paid_at: "2026-11-27T10:00:00Z",
  created_at: "2026-11-27T10:00:00Z",
  refund_taken: 0,
  dispute_taken: 0,
};
const COMPARE = "POST /api/admin/books/compare";
const DAY = {
  day: "2026-11-26",
  state: "differs",
  settled_count: 3,
  captured: 30,
  released: 10,
  moved: {},
  asked_count: 1,
  differences: { captured: 5 },
  broken: {},
  closed_at: "2026-11-27T00:05:00Z",
  compared_at: "2026-11-27T00:06:00Z",
  proved_at: null,
};
const COMPARISON = {
  scope: "recent",
  since: "2026-11-27T10:00:00Z",
  began_at: "2026-11-27T10:15:00Z",
  finished_at: "2026-11-27T10:15:20Z",
  seen: { Price: 5, Event: 1200 },
  drift: 2,
  repaired: 1,
  open: ["refund re_1: no payment of ours is known that it belongs to"],
  flaw: null,
};

function operators(): Server {
  return adasServer({ isAdmin: true });
}

test("what Stripe has otherwise is shown before anything is changed", async () => {
  const server = operators()
    .on("GET /api/admin/prices", () => ({ prices: [] }))
    .on(SYNC, () => DIFFERENT);
  const { ada } = open("/admin/prices", server);

  await ada.click(await screen.findByRole("button", { name: "Compare with Stripe" }));

  expect(await screen.findByText("Basic: credits 500 → 600")).toBeDefined();
  expect(screen.getByText("1,000 credits")).toBeDefined();
  expect(screen.getByText("Mug: no includedCredits")).toBeDefined();
  expect(server.to(SYNC).map(({ body }) => body.dry_run)).toEqual([true]);
  await ada.click(screen.getByRole("button", { name: "Sync now" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(server.to(SYNC).map(({ body }) => body.dry_run)).toEqual([true, false]);
});

test("where nothing differs there is nothing to sync", async () => {
  const server = operators()
    .on("GET /api/admin/prices", () => ({ prices: [] }))
    .on(SYNC, () => SAME);
  const { ada } = open("/admin/prices", server);

  await ada.click(await screen.findByRole("button", { name: "Compare with Stripe" }));

  expect(await screen.findByText("They are the same.")).toBeDefined();
  expect(screen.queryByRole("button", { name: "Sync now" })).toBeNull();
});

test("a payment in review is closed with what was done about it, and not refunded here", async () => {
  const server = operators()
    .on("GET /api/admin/payments", () => ({ payments: [IN_REVIEW], next_cursor: null }))
    .on(CLOSE, () => ({ ...IN_REVIEW, status: "closed" }));
  const { ada } = open("/admin/payments", server);

  await ada.click(
    await screen.findByRole("button", { name: "Open the payment of payer@example.com" }),
  );
  expect(screen.queryByRole("button", { name: "Ask for the refund" })).toBeNull();
  const close = screen.getByRole("button", { name: "Close it" });
  await ada.click(close);
  expect(server.to(CLOSE)).toEqual([]);
  await ada.type(screen.getByLabelText("Why"), "paid back at Stripe");
  await ada.click(close);

  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(server.to(CLOSE).map(({ body }) => body)).toEqual([
    { reason: "paid back at Stripe", credits: 0 },
  ]);
});

test("a payment in review is granted the credits that a person decided on", async () => {
  const server = operators()
    .on("GET /api/admin/payments", () => ({ payments: [IN_REVIEW], next_cursor: null }))
    .on(CLOSE, () => ({ ...IN_REVIEW, status: "paid" }));
  const { ada } = open("/admin/payments", server);
  await ada.click(
    await screen.findByRole("button", { name: "Open the payment of payer@example.com" }),
  );

  const bought = screen.getByLabelText("Credits that it buys");
  await ada.type(bought, "9.5");
  await ada.type(screen.getByLabelText("Why"), "nine euros");
  await ada.click(screen.getByRole("button", { name: "Close it" }));
  expect(screen.getByText("A whole number.")).toBeDefined();
  expect(server.to(CLOSE)).toEqual([]);
  await ada.clear(bought);
  await ada.type(bought, "900");
  await ada.click(screen.getByRole("button", { name: "Grant 900 credits" }));

  await waitFor(() => expect(server.to(CLOSE)).toHaveLength(1));
  expect(server.to(CLOSE)[0]?.body).toEqual({ reason: "nine euros", credits: 900 });
});

test("a day is compared again, and what the comparisons with Stripe found is there", async () => {
  const server = operators()
    .on("GET /api/admin/books", () => ({ sections: {}, days: [DAY] }))
    .on("GET /api/admin/reconciliations", () => ({
      reconciliations: [COMPARISON],
      next_cursor: null,
    }))
    .on(COMPARE, () => ({ ...DAY, state: "comparing" }));
  const { ada } = open("/admin/books", server);

  const comparisons = within(
    await screen.findByRole("region", { name: "Table of the comparisons with Stripe" }),
  );
  for (const shown of ["what is new", "differs", "1,205"]) {
    expect(comparisons.getByText(shown)).toBeDefined();
  }
  await ada.click(await screen.findByRole("button", { name: /^Compare.*26.* again$/ }));

  await waitFor(() => expect(server.to(COMPARE)[0]?.body).toEqual({ day: "2026-11-26" }));
});

test("an amount that cannot go back says why, and so does a refund without a reason", async () => {
  const paid = { ...IN_REVIEW, status: "granted" };
  const server = operators().on("GET /api/admin/payments", () => ({
    payments: [paid],
    next_cursor: null,
  }));
  const { ada } = open("/admin/payments", server);
  await ada.click(
    await screen.findByRole("button", { name: "Open the payment of payer@example.com" }),
  );
  const amount = screen.getByLabelText("Amount in EUR");

  await ada.clear(amount);
  await ada.type(amount, "12,50");
  expect(screen.getByText("Write a point in place of the comma.")).toBeDefined();
  await ada.clear(amount);
  await ada.type(amount, "5{Enter}");

  expect(await screen.findByText("Say why.")).toBeDefined();
  expect(server.to("POST /api/admin/payments/pay_1/refunds")).toEqual([]);
});

test("credits are given as a whole number, and with a reason", async () => {
  const user = { id: "usr_2", email: "ann@example.com", name: null, credits: 0, roles: [] };
  const server = operators()
    .on("GET /api/admin/users", () => ({ users: [], next_cursor: null }))
    .on("GET /api/admin/users/usr_2", () => ({
      ...user,
      email_verified: true,
      created_at: "2026-11-01T00:00:00Z",
    }));
  const { ada } = open("/admin/users?user=usr_2", server);

  await ada.type(await screen.findByLabelText("Credits"), "1.5");
  expect(screen.getByText(/^Credits are whole/)).toBeDefined();
  await ada.click(screen.getByRole("button", { name: "Give" }));

  expect(await screen.findByText("Say why.")).toBeDefined();
  expect(server.to("POST /api/credits/grant")).toEqual([]);
});
