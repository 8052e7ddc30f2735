"""What Stripe has and what billing made of it: held against each other when a world is at rest."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from embedded.emulator.seed import standard_catalogue
from embedded.emulator.store import Body
from shared.ids import public
from tests.simulation.world import World

PAID = ("paid", "no_payment_required")
GONE_BACK = ("failed", "canceled")
DISPUTED = ("needs_response", "under_review", "lost")
LATE = ("past_due", "unpaid")
NEVER_BEGAN = ("incomplete", "incomplete_expired")
MONTHS_OF_A_YEAR = 12
CREDITS_APART = 1
"""How many credits the share of a price, in whole cents, may be off the share of its time."""
PAYMENTS = """
    SELECT coalesce(m.stripe_checkout_session_id, m.stripe_invoice_id) AS of, m.status, m.credits,
           m.user_id, u.email, m.email_key, m.refund_taken + m.dispute_taken AS taken,
           (SELECT count(*) FROM billing.postings p WHERE p.payment_id = m.id
            AND p.kind IN ('purchase', 'subscription')) AS grant_count,
           (SELECT coalesce(sum(amount), 0) FROM billing.postings p WHERE p.payment_id = m.id
            AND p.kind IN ('purchase', 'subscription')) AS granted,
           (SELECT coalesce(sum(amount), 0) FROM billing.plan_grants g WHERE g.payment_id = m.id
            AND g.status IN ('cut', 'ended')) AS never_brought
    FROM billing.payments m LEFT JOIN auth.users u ON u.id = m.user_id
"""
PLANS = """
    SELECT s.id, s.status, s.price_id, s.cancel_at_period_end, s.paused_at IS NOT NULL AS is_paused,
           coalesce(bool_or(l.is_paused), false) AS has_paused,
           coalesce(bool_or(NOT l.is_paused), false) AS has_others
    FROM billing.subscriptions s
    LEFT JOIN billing.lots l ON l.subscription_id = s.id AND l.remaining > 0 GROUP BY s.id
"""


class Agreement:
    """Compares all that `found` has, which is Stripe's, with the rows of a world."""

    def __init__(
        self, world: World, found: Mapping[str, Sequence[Body]], excused: set[str]
    ) -> None:
        self._world = world
        self._found = found
        self._excused = excused
        offers = {offer["price"]["lookup_key"]: offer for offer in standard_catalogue()}
        self._offers = {price["id"]: offers[price["lookup_key"]] for price in found["price"]}
        self._payments: dict[str, Any] = {row["of"]: row for row in world.postgres.look(PAYMENTS)}

    def hold(self) -> None:
        """Record each thing on which they do not agree."""
        for sentence in self._differences():
            self._world.violate(sentence)

    def _differences(self) -> Iterator[str]:
        yield from self._sessions()
        yield from self._bills()
        yield from self._plans()
        yield from self._customers()
        yield from self._pages()

    def _sessions(self) -> Iterator[str]:
        for session in self._found["checkout.session"]:
            if session["mode"] == "payment":
                is_paid = session["payment_status"] in PAID
                bought = sum(self._bought(item) for item in session["items"]) if is_paid else 0
                owner = session["client_reference_id"] or session["customer_details"]
                yield from self._payment(session["id"], bought, session["amount_total"], owner)
                yield from self._taken(session["id"], session["amount_total"])

    def _bills(self) -> Iterator[str]:
        for bill in self._found["invoice"]:
            brings = self._brings(bill) if bill["status"] == "paid" else 0
            row = self._payments.get(bill["id"])
            if row and _is_changed(bill) and abs(row["credits"] - brings) <= CREDITS_APART:
                brings = row["credits"]
            owner = {"email": bill["customer_email"]}
            yield from self._payment(bill["id"], brings, bill["amount_paid"], owner)
            yield from self._taken(bill["id"], bill["amount_paid"])

    def _payment(self, name: str, bought: int, cents: int, owner: Any) -> Iterator[str]:
        """A paid thing is one payment, granted once, to who paid; what is not paid is none."""
        row = self._payments.get(name)
        granted = row["granted"] if row else 0
        if not bought:
            if granted:
                yield f"{name} over {cents} cents brings nothing, and was granted: {dict(row)}"
            return
        if row is None or row["status"] != "granted":
            address = owner.get("email") if isinstance(owner, dict) else None
            if row is None or row["status"] != "paid" or address not in self._excused:
                yield f"{name} was paid for {bought} credits, and is {row and dict(row)}"
            return
        is_theirs = owner == public("usr", row["user_id"]) or (
            isinstance(owner, dict) and row["email"] == owner["email"]
        )
        by_the_month = row["grant_count"] >= 1 and name.startswith("in_")
        if row["credits"] != bought or not (by_the_month or granted == bought) or not is_theirs:
            yield f"{name} was paid by {owner} for {bought} credits, and granted as {dict(row)}"

    def _taken(self, name: str, cents: int) -> Iterator[str]:
        """As much is taken back as refunds and disputes stand for."""
        row = self._payments.get(name)
        if row is None or row["status"] != "granted":
            return
        intents = self._intents(name)
        back = sum(
            item["amount"]
            for kind, item in self._returns()
            if item["payment_intent"] in intents
            and (
                item["status"] not in GONE_BACK if kind == "refund" else item["status"] in DISPUTED
            )
        )
        wanted = row["credits"] * min(back, cents) // cents if cents else 0
        if row["taken"] != max(0, wanted - row["never_brought"]):
            yield f"of {name} over {cents} cents {back} went back, and it is {dict(row)}"

    def _plans(self) -> Iterator[str]:
        rows = {row["id"]: row for row in self._world.postgres.look(PLANS)}
        prices = {item["subscription"]: item["price"] for item in self._found["subscription_item"]}
        for plan in self._found["subscription"]:
            row, status = rows.get(plan["id"]), plan["status"]
            if row is None:
                if status not in NEVER_BEGAN:
                    yield f"the plan {plan['id']} is {status}, and unknown to us"
                continue
            told = (row["status"], row["cancel_at_period_end"])
            if told != (status, plan["cancel_at_period_end"]):
                yield f"the plan {plan['id']} is {status}, and {dict(row)} here"
            price = prices.get(plan["id"])
            if price is not None and row["price_id"] != (
                price if isinstance(price, str) else price["id"]
            ):
                yield f"the plan {plan['id']} is of {price}, and {dict(row)} here"
            is_late = status in LATE
            if row["is_paused"] != is_late or row["has_others" if is_late else "has_paused"]:
                yield f"the plan {plan['id']} is {status}, and its credits are {dict(row)}"

    def _customers(self) -> Iterator[str]:
        users = Counter(item["metadata"].get("user_id") for item in self._found["customer"])
        for user, count in users.items():
            if user is not None and count > 1:
                yield f"{user} is {count} customers"

    def _pages(self) -> Iterator[str]:
        open_ones = Counter(
            (session["client_reference_id"], session["metadata"]["price_id"])
            for session in self._found["checkout.session"]
            if session["status"] == "open" and session["client_reference_id"]
        )
        for (user, price), count in open_ones.items():
            if count > 1:
                yield f"{user} has {count} open pages of {price}"

    def _bought(self, item: Body) -> int:
        offer = self._offers[item["price"]["id"]]
        if offer["metadata"]["kind"] == "per_cent":
            return int(item["amount_subtotal"])
        return int(offer["metadata"]["includedCredits"]) * int(item["quantity"])

    def _brings(self, bill: Body) -> int:
        """Return a plan's credits for the periods on a bill, or those that an upgrade adds: the share that is paid for."""
        whole, changed, share = 0, 0, 1.0
        for line in bill["lines"]["data"]:
            offer = self._offers[line["pricing"]["price_details"]["price"]]
            months = MONTHS_OF_A_YEAR if "grantInterval" in offer["metadata"] else 1
            brought = int(offer["metadata"]["includedCredits"]) * months
            if not _is_proration(line):
                whole += brought
            elif line["amount"] > 0:
                changed += brought
                share = line["amount"] / offer["price"]["unit_amount"]
            else:
                changed -= brought
        return whole + round(max(0, changed) * share)

    def _intents(self, name: str) -> set[str]:
        """Return the payment intents that paid a session or a bill."""
        sessions = self._found["checkout.session"]
        paying = {item["payment_intent"] for item in sessions if item["id"] == name}
        of_bill = (item for item in self._found["invoice_payment"] if item["invoice"] == name)
        return (paying | {item["payment"].get("payment_intent") for item in of_bill}) - {None}

    def _returns(self) -> Iterator[tuple[str, Body]]:
        for kind in ("refund", "dispute"):
            for item in self._found[kind]:
                yield kind, item


def _is_changed(bill: Body) -> bool:
    return any(_is_proration(line) for line in bill["lines"]["data"])


def _is_proration(line: Body) -> bool:
    parent = line["parent"]
    details = parent["subscription_item_details"] or parent["invoice_item_details"]
    return bool(details["proration"])
