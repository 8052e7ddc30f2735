import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { closeAll, open } from "~/testing/pages.tsx";
import { adasServer } from "~/testing/server.ts";
import type { Refund } from "./refund.ts";

afterEach(closeAll);

const REFUNDS = "GET /api/admin/refunds";
const APPROVE = "POST /api/admin/refunds/re_1/approve";
const REQUESTED: Refund = {
  id: "re_1",
  payment_id: "pay_1",
  payer: "ann@example.com",
  amount_cents: 2000,
  currency: "usd",
  reason: "a complaint",
  status: "requested",
  stripe_refund_id: null,
  failure: null,
  requested_by: "bob@example.com",
  created_at: "2026-11-27T10:00:00Z",
  steps: [],
};

function server() {
  let refund = REQUESTED;
  return adasServer({ isAdmin: true })
    .on(REFUNDS, () => ({ refunds: [refund], next_cursor: null }))
    .on(APPROVE, () => {
      refund = { ...refund, status: "made" };
      return refund;
    });
}

test("whose money goes back is seen before it is approved, and who approved goes on where they were", async () => {
  const { ada } = open("/admin/refunds", server());

  const payment = await screen.findByRole("link", { name: "ann@example.com" });
  expect(payment.getAttribute("href")).toBe("/admin/payments?q=ann%40example.com");
  await ada.click(screen.getByRole("button", { name: /^Approve.*to ann@example.com$/ }));
  const asked = within(screen.getByRole("alertdialog"));
  expect(asked.getByText("Pay $20 back to ann@example.com?")).toBeDefined();
  expect(asked.getByText(/a complaint/)).toBeDefined();
  await ada.click(asked.getByRole("button", { name: "Pay it back" }));

  await waitFor(() => expect(screen.queryByRole("button", { name: /^Approve/ })).toBeNull());
  await waitFor(() => expect(document.activeElement?.tagName).toBe("H1"));
});

test("refunds are filtered by their status, and by no word that is none", async () => {
  const asked = server();
  const { ada, where } = open("/admin/refunds?status=nonsense", asked);

  await screen.findByRole("link", { name: "ann@example.com" });
  expect(asked.to(REFUNDS).map(({ search }) => search.get("status"))).toEqual([null]);
  await ada.selectOptions(screen.getByLabelText("Show"), "requested");

  await waitFor(() => expect(asked.to(REFUNDS).at(-1)?.search.get("status")).toBe("requested"));
  expect(where()).toBe("/admin/refunds?status=requested");
});
