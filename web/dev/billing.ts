/** The catalogue, checkout, plans and traces. */
import { createHmac, randomUUID } from "node:crypto";
import { type Asked, days, product, type Route, refused } from "./route.ts";

const pack = (
  name: string,
  credits: number,
  amount_cents: number,
  badge: string | null = null,
) => ({
  price_id: `price_${name.toLowerCase().replaceAll(" ", "_")}`,
  name,
  description: null,
  kind: "pack",
  credits,
  amount_cents,
  currency: "usd",
  interval: null,
  grant_interval: null,
  rollover: null,
  badge,
  credits_per_dollar: (credits * 100) / amount_cents,
});
const plan = (name: string, credits: number, amount_cents: number, more: object) => ({
  ...pack(name, credits, amount_cents),
  kind: "plan",
  ...more,
});

const CATALOGUE = {
  packs: [
    pack("100 credits", 100, 900),
    pack("500 credits", 500, 3900),
    pack("2,000 credits", 2000, 12900),
    pack("Starter", 20, 1200),
    pack("Popular", 50, 2900, "Most popular"),
    pack("Pro", 150, 7900),
  ],
  plans: [
    plan("Basic", 500, 2900, {
      price_id: "price_bm",
      interval: "month",
      grant_interval: "month",
      rollover: "one_period",
      badge: "Most popular",
      description: "For steady work of one person.",
    }),
    plan("Business", 2000, 9900, {
      price_id: "price_um",
      interval: "month",
      grant_interval: "month",
      rollover: "unlimited",
      description: "For a team that asks every day.",
    }),
    plan("Basic", 500, 29000, {
      price_id: "price_by",
      interval: "year",
      grant_interval: "month",
      rollover: "one_period",
      description: "Two months for nothing.",
    }),
    plan("Business", 2000, 99000, {
      price_id: "price_uy",
      interval: "year",
      grant_interval: "month",
      rollover: "unlimited",
      description: "Two months for nothing.",
    }),
  ],
};

interface Checkout {
  id: string;
  userId: string | null;
  price: (typeof CATALOGUE.packs)[number];
  state: "open" | "paid" | "late" | "expired";
  paidAt: number;
  email: string | null;
}

const checkouts = new Map<string, Checkout>();
const subscribed = new Map<string, object>();

function begin({ body, userId, email }: Asked) {
  const price = [...CATALOGUE.packs, ...CATALOGUE.plans].find(
    (one) => one.price_id === body.price_id,
  );
  if (price === undefined) return refused(404, "not_found", "There is no such price.");
  if (price.kind === "plan" && userId !== null && subscribed.has(userId)) {
    return refused(409, "already_subscribed", "You have a plan already; change it in the portal.");
  }
  const id = `cs_test_${randomUUID().replaceAll("-", "")}`;
  checkouts.set(id, { id, userId, price, state: "open", paidAt: 0, email });
  return { body: { url: `/dev/fixtures/checkout/${id}`, session_id: id } };
}

function show({ parts }: Asked) {
  const checkout = checkouts.get(parts[0] ?? "");
  if (checkout === undefined) return refused(404, "not_found", "There is no such checkout.");
  const isPaid = checkout.state === "paid";
  const granted = isPaid && Date.now() - checkout.paidAt > 2500;
  const open = checkout.state === "late" ? "processing" : checkout.state;
  return {
    body: {
      status: isPaid ? "complete" : open,
      payment_status: isPaid ? "paid" : "unpaid",
      credits: checkout.price.credits,
      granted,
      granted_at: granted ? new Date(checkout.paidAt + 2500).toISOString() : null,
      email: checkout.email,
      email_state: granted ? "sent" : "none",
      account: checkout.userId === null ? (granted ? "new" : null) : "existing",
    },
  };
}

function page({ parts: [id] }: Asked) {
  const form = (action: string, label: string) =>
    `<form method="post" action="/dev/fixtures/checkout/${id}/${action}"><button>${label}</button></form>`;
  const ways = [form("pay", "Pay"), form("late", "Pay by bank"), form("cancel", "Cancel")];
  return {
    html: `<!doctype html><title>Checkout</title><h1>Fixture checkout</h1>${ways.join("")}`,
  };
}

async function pay({ parts: [id] }: Asked) {
  const checkout = checkouts.get(id ?? "");
  if (checkout === undefined) return refused(404, "not_found", "There is no such checkout.");
  Object.assign(checkout, { state: "paid", paidAt: Date.now() });
  if (checkout.userId === null) await payAsGuest(checkout);
  else await grant(checkout);
  return { location: `/dashboard/credits/success?session_id=${id}` };
}

async function grant({ userId, price, id }: Checkout) {
  await product("/api/credits/grant", {
    method: "POST",
    headers: { "x-admin-key": process.env.ADMIN_API_KEY ?? "", "content-type": "application/json" },
    body: JSON.stringify({
      user_id: userId,
      amount: price.credits,
      reason: price.name,
      idempotency_key: id,
    }),
  });
  if (price.kind !== "plan" || userId === null) return;
  subscribed.set(userId, {
    status: "active",
    plan: price.name,
    credits: price.credits,
    interval: price.interval,
    current_period_end: days(30),
    cancel_at_period_end: false,
    next_grant_at: days(30),
    grace_until: null,
  });
}

async function payAsGuest(checkout: Checkout) {
  checkout.email ??= `guest.${checkout.id.slice(-6)}@example.com`;
  const session = {
    id: checkout.id,
    object: "checkout.session",
    mode: "payment",
    currency: "usd",
    payment_status: "paid",
    amount_subtotal: checkout.price.amount_cents,
    amount_total: checkout.price.amount_cents,
    customer_details: { email: checkout.email },
  };
  const created = Math.floor(Date.now() / 1000);
  const event = {
    id: `evt_${randomUUID()}`,
    object: "event",
    type: "checkout.session.completed",
    livemode: false,
    created,
    data: { object: session },
  };
  const body = JSON.stringify(event);
  const secret = process.env.STRIPE_WEBHOOK_SECRET ?? "";
  const signature = createHmac("sha256", secret).update(`${created}.${body}`).digest("hex");
  const headers = { "Stripe-Signature": `t=${created},v1=${signature}` };
  await product("/api/webhooks/stripe", { method: "POST", headers, body });
}

function late({ parts: [id] }: Asked) {
  const checkout = checkouts.get(id ?? "");
  if (checkout) checkout.state = "late";
  return { location: `/dashboard/credits/success?session_id=${id}` };
}

const INVOICES = Array.from({ length: 3 }, (_, month) => ({
  id: `in_${month}`,
  number: `IMP-000${3 - month}`,
  created_at: days(-30 * month),
  amount_cents: 2900,
  currency: "usd",
  status: "paid",
  hosted_url: "/dev/fixtures/invoice",
  pdf_url: "/dev/fixtures/invoice",
}));

async function trace({ parts: [id], token }: Asked) {
  const headers = { authorization: `Bearer ${token}` };
  const { transactions } = (await product("/api/credits/transactions?limit=200", { headers })) as {
    transactions: {
      id: string;
      amount: number;
      kind: string;
      task_id: string | null;
      payment_id: string | null;
    }[];
  };
  const line = transactions.find((one) => one.id === id);
  if (line === undefined) return refused(404, "not_found", "There is nothing here by that id.");
  const bought = {
    id: "pay_01a21f7b58b5785992cb88461ae9e949",
    amount_cents: 1000,
    currency: "usd",
    credits: 1000,
    status: "granted",
    paid_at: days(-1),
  };
  const lot = {
    id: transactions.at(-1)?.id ?? "",
    kind: "purchase",
    amount: 1000,
    remaining: 900,
    expires_at: null,
    payment_id: bought.id,
  };
  return {
    body: {
      transaction: line,
      lots: [lot],
      payments: [bought],
      task_id: line.task_id,
      hash: "9f2c4be1a07d3c5e8b6f1d2a4c7e9b0f3a5d8c1e6b4f7a2d9c0e3b5f8a1d4c7e",
    },
  };
}

async function use({ body, token, userId }: Asked) {
  const headers = { authorization: `Bearer ${token}` };
  const summary = (await product("/api/credits/summary", { headers })) as { available: number };
  const left = summary.available - (used.get(userId ?? "") ?? 0) - 1;
  if (left < 0) {
    return refused(402, "insufficient_credits", "There are not enough credits for this.", {
      needed: 1,
      available: 0,
      checkout_url: "/credits",
    });
  }
  used.set(userId ?? "", (used.get(userId ?? "") ?? 0) + 1);
  return {
    body: {
      success: true,
      result: `You said “${body.prompt}”. A model would have answered here.`,
      credits_used: 1,
      credits_left: left,
      transaction_id: "txn_01a21f7b58b5785992cb88461ae9e949",
    },
  };
}

const used = new Map<string, number>();

export const billingRoutes: Route[] = [
  { method: "GET", path: "/api/billing/prices", work: () => ({ body: CATALOGUE }) },
  { method: "POST", path: "/api/billing/checkout-session", work: begin },
  { method: "GET", path: "/api/billing/checkout-session/([^/]+)", work: show },
  { method: "GET", path: "/dev/fixtures/checkout/([^/]+)", work: page },
  { method: "POST", path: "/dev/fixtures/checkout/([^/]+)/pay", work: pay },
  { method: "POST", path: "/dev/fixtures/checkout/([^/]+)/late", work: late },
  {
    method: "POST",
    path: "/dev/fixtures/checkout/([^/]+)/cancel",
    work: () => ({ location: "/credits?cancelled=1" }),
  },
  {
    method: "GET",
    path: "/api/billing/subscription",
    work: ({ userId }) => ({ body: subscribed.get(userId ?? "") ?? null }),
  },
  {
    method: "GET",
    path: "/api/billing/invoices",
    work: ({ userId }) => ({
      body: { invoices: subscribed.has(userId ?? "") ? INVOICES : [], next_cursor: null },
    }),
  },
  { method: "POST", path: "/api/billing/portal-link", work: () => ({ body: { url: "/credits" } }) },
  { method: "GET", path: "/api/credits/transactions/(txn_[^/]+)", work: trace },
  { method: "POST", path: "/api/example/use-credits", work: use },
];
