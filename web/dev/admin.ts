/** Refunds and books as operators see them. */
import { days, type Route, refused } from "./route.ts";

interface Refund {
  id: string;
  status: string;
  [more: string]: unknown;
}

const refunds: Refund[] = [];

function decide(id: string | undefined, status: string, by: string | null) {
  const refund = refunds.find((one) => one.id === id);
  if (refund === undefined) return refused(404, "not_found", "There is nothing here by that id.");
  Object.assign(refund, { status, decided_by: by });
  return { body: refund };
}

const rule = (name: string, holds = true, detail: string | null = null) => ({
  name,
  holds,
  detail,
});

export const adminRoutes: Route[] = [
  {
    method: "POST",
    path: "/api/admin/payments/([^/]+)/refunds",
    work: ({ parts: [payment], body, email }) => {
      const refund = {
        id: `refund_${refunds.length + 1}`,
        payment_id: payment,
        amount_cents: body.amount_cents ?? 1000,
        currency: "usd",
        credits: Number(body.amount_cents ?? 1000),
        status: "requested",
        reason: body.reason,
        requested_by: email,
        decided_by: null,
        failure: null,
        created_at: days(0),
      };
      refunds.unshift(refund);
      return { status: 201, body: refund };
    },
  },
  {
    method: "GET",
    path: "/api/admin/refunds",
    work: () => ({ body: { refunds, next_cursor: null } }),
  },
  {
    method: "POST",
    path: "/api/admin/refunds/([^/]+)/approve",
    work: ({ parts: [id], email }) => decide(id, "approved", email),
  },
  {
    method: "POST",
    path: "/api/admin/refunds/([^/]+)/reject",
    work: ({ parts: [id], email }) => decide(id, "rejected", email),
  },
  {
    method: "GET",
    path: "/api/admin/books",
    work: () => ({
      body: {
        sections: [
          {
            name: "ledger",
            balanced: true,
            checked_at: days(-0.01),
            rules: [
              rule("every balance is the sum of its lines"),
              rule("all accounts sum to zero"),
              rule("every lot has what its lines left"),
              rule("the chain of hashes is whole"),
            ],
          },
          {
            name: "tasks",
            balanced: true,
            checked_at: days(-0.4),
            rules: [rule("every settled hold is a task's")],
          },
          {
            name: "stripe",
            balanced: false,
            checked_at: days(-0.002),
            rules: [
              rule("every paid session is a payment"),
              rule("every refund took its credits", false, "1 refund is not matched yet: re_3PqX"),
            ],
          },
        ],
        days: [0, 1, 2, 3, 4].map((back) => ({
          day: days(-1 - back).slice(0, 10),
          balanced: back !== 3,
          proved_at: days(-back),
          differences: back === 3 ? 2 : 0,
        })),
      },
    }),
  },
  {
    method: "POST",
    path: "/api/billing/sync-prices",
    work: () => ({
      body: {
        added: [],
        changed: ["popular"],
        deactivated: [],
        unchanged: ["starter", "pro", "pack_100"],
      },
    }),
  },
];
