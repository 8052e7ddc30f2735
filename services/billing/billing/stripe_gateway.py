"""Stripe behind the gateway, through Stripe's own library; whether it is Stripe at all is a matter of one URL."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import stripe
import structlog
from stripe.params.checkout import SessionCreateParams
from typing_extensions import override

from billing.gateway import (
    CheckoutOrder,
    Gateway,
    Odd,
    Offer,
    PortalRules,
    RefundOrder,
    ShapeT,
    StripeRefused,
    StripeUnreadable,
    ThingT,
    nobody_hears,
)
from billing.shapes import (
    CheckoutSession,
    Dispute,
    Invoice,
    InvoicePayment,
    PaymentLink,
    Price,
    Product,
    Refund,
    Shape,
    Subscription,
    Thing,
)
from billing.stripe_asking import asked, found_by_id, shaped
from billing.stripe_webhook import EventFrame
from shared.ids import public

log = structlog.get_logger()

RETRIES_MAX = 2
PAGE = 100
SHRINKING: Final = frozenset({"decreasing_item_amount", "shortening_interval"})
EXPANDED: Mapping[type[Shape], list[str]] = {
    CheckoutSession: ["data.line_items"],
    Invoice: ["data.payments"],
    PaymentLink: ["data.line_items"],
    Price: ["data.product"],
}


class StripeGateway(Gateway):
    """Asks Stripe at `api_base`; `http_client` is how the library reaches it."""

    def __init__(
        self, key: str, *, api_base: str, site_url: str, http_client: stripe.HTTPClient
    ) -> None:
        stripe.enable_telemetry = False  # it would write an id of this machine into a home folder
        logging.getLogger("stripe").setLevel(logging.WARNING)  # it tells of every request
        self._api = stripe.StripeClient(
            key,
            base_addresses={"api": api_base.rstrip("/")},
            http_client=http_client,
            max_network_retries=RETRIES_MAX,
        ).v1
        self._http_client = http_client
        self._site_url = site_url
        self._lists: Mapping[type[Shape], Callable[[Any], Awaitable[Any]]] = {
            CheckoutSession: self._api.checkout.sessions.list_async,
            Dispute: self._api.disputes.list_async,
            EventFrame: self._api.events.list_async,
            Invoice: self._api.invoices.list_async,
            PaymentLink: self._api.payment_links.list_async,
            Price: self._api.prices.list_async,
            Product: self._api.products.list_async,
            Refund: self._api.refunds.list_async,
            Subscription: self._api.subscriptions.list_async,
        }
        self._things: Mapping[type[Thing], Callable[[str], Awaitable[Thing | None]]] = {
            CheckoutSession: self.checkout_session,
            Dispute: self._dispute,
            Invoice: self.invoice,
            Refund: self._refund,
            Subscription: self.subscription,
        }

    @override
    async def open_checkout(self, order: CheckoutOrder) -> CheckoutSession:
        options: stripe.RequestOptions = {"idempotency_key": f"checkout:{order.key}"}
        create = self._api.checkout.sessions.create_async
        made = await asked("open checkout", create(self._params(order), options))
        return shaped(CheckoutSession, made)

    def _params(self, order: CheckoutOrder) -> SessionCreateParams:
        metadata = dict(order.metadata)
        params: SessionCreateParams = {
            "mode": order.mode,
            "line_items": [{"price": order.price_id, "quantity": 1}],
            "success_url": f"{self._site_url}/dashboard/credits/success"
            "?session_id={CHECKOUT_SESSION_ID}",
            "cancel_url": f"{self._site_url}/credits?cancelled=1",
            "metadata": metadata,
            "allow_promotion_codes": order.allows_promotion_codes,
            "automatic_tax": {"enabled": order.collects_tax},
        }
        if order.reference is not None:
            params["client_reference_id"] = order.reference
        if order.customer_id is not None:
            params["customer"] = order.customer_id
            if order.collects_tax:
                params["customer_update"] = {"address": "auto"}
        elif order.email is not None:
            params["customer_email"] = order.email
        if order.mode == "subscription":
            params["subscription_data"] = {"metadata": metadata}
        else:
            params["payment_intent_data"] = {"metadata": metadata}
            if order.customer_id is None:
                params["customer_creation"] = "always"
        return params

    @override
    async def end_checkout(self, session_id: str) -> None:
        try:
            await asked("end checkout", self._api.checkout.sessions.expire_async(session_id))
        except StripeRefused:  # it is over already
            log.info("checkout_is_over", session_id=session_id)

    @override
    async def open_portal(self, customer_id: str) -> str:
        create = self._api.billing_portal.sessions.create_async
        return_url = f"{self._site_url}/credits?managed=yes"
        made = await asked(
            "open portal", create({"customer": customer_id, "return_url": return_url})
        )
        return made.url

    @override
    async def customer_of(self, user_id: UUID) -> str | None:
        query = f"metadata['user_id']:'{public('usr', user_id)}'"
        search = self._api.customers.search_async
        found = await asked("find customer", search({"query": query, "limit": 1}))
        return found.data[0].id if found.data else None

    @override
    async def make_customer(self, user_id: UUID, email: str, *, generation: int) -> str:
        create = self._api.customers.create_async
        user = public("usr", user_id)
        options: stripe.RequestOptions = {"idempotency_key": f"customer:{user}:{generation}"}
        made = await asked(
            "make customer", create({"email": email, "metadata": {"user_id": user}}, options)
        )
        return made.id

    @override
    async def describe_customer(self, customer_id: str, user_id: UUID, email: str) -> None:
        user = public("usr", user_id)
        update = self._api.customers.update_async
        params: stripe.params.CustomerUpdateParams = {"email": email, "metadata": {"user_id": user}}
        await asked("describe customer", update(customer_id, params))

    @override
    async def checkout_session(self, session_id: str) -> CheckoutSession | None:
        retrieve = self._api.checkout.sessions.retrieve_async
        asking = retrieve(session_id, {"expand": ["line_items"]})
        return await found_by_id(CheckoutSession, "get checkout", asking)

    @override
    async def price(self, price_id: str) -> Price | None:
        asking = self._api.prices.retrieve_async(price_id, {"expand": ["product"]})
        return await found_by_id(Price, "get price", asking)

    @override
    async def subscription(self, subscription_id: str) -> Subscription | None:
        asking = self._api.subscriptions.retrieve_async(subscription_id)
        return await found_by_id(Subscription, "get subscription", asking)

    @override
    async def invoice(self, invoice_id: str) -> Invoice | None:
        asking = self._api.invoices.retrieve_async(invoice_id, {"expand": ["payments"]})
        return await found_by_id(Invoice, "get invoice", asking)

    @override
    async def invoices_of(self, payment_intent: str) -> list[InvoicePayment]:
        which: stripe.params.InvoicePaymentListParams = {
            "payment": {"type": "payment_intent", "payment_intent": payment_intent}
        }
        found = await asked("list payments", self._api.invoice_payments.list_async(which))
        return [shaped(InvoicePayment, item) for item in found.data]

    @override
    async def refund(self, order: RefundOrder) -> Refund:
        made = await self._made(order) if order.tried else None
        return made or await self._make(order)

    async def _made(self, order: RefundOrder) -> Refund | None:
        which: stripe.params.RefundListParams = {"payment_intent": order.payment_intent}
        page = await asked("find refund", self._api.refunds.list_async({**which, "limit": PAGE}))
        found = [shaped(Refund, item) async for item in page.auto_paging_iter()]
        theirs = [item for item in found if order.metadata.items() <= item.metadata.items()]
        return theirs[0] if theirs else None

    async def _make(self, order: RefundOrder) -> Refund:
        options: stripe.RequestOptions = {"idempotency_key": f"refund:{order.key}"}
        params: stripe.params.RefundCreateParams = {
            "payment_intent": order.payment_intent,
            "amount": order.amount_cents,
            "metadata": dict(order.metadata),
        }
        made = await asked("refund", self._api.refunds.create_async(params, options))
        return shaped(Refund, made)

    @override
    async def offer(self, offer: Offer) -> bool:
        which: stripe.params.PriceListParams = {"lookup_keys": [offer.lookup_key], "active": True}
        if (await asked("find price", self._api.prices.list_async(which))).data:
            return False
        options: stripe.RequestOptions = {"idempotency_key": f"offer:{offer.lookup_key}"}
        product: stripe.params.PriceCreateParams = {
            "currency": "usd",
            "unit_amount": offer.amount_cents,
            "lookup_key": offer.lookup_key,
        }
        if offer.interval is not None:
            product["recurring"] = {"interval": offer.interval}
        made = await asked(
            "make product", self._api.products.create_async(_product(offer), options)
        )
        product["product"] = made.id
        options = {"idempotency_key": f"price:{offer.lookup_key}"}
        await asked("make price", self._api.prices.create_async(product, options))
        return True

    @override
    async def every(
        self, kind: type[ShapeT], *, since: datetime | None = None, odd: Odd = nobody_hears
    ) -> AsyncIterator[ShapeT]:
        params: dict[str, Any] = {"limit": PAGE}
        if kind in EXPANDED:
            params["expand"] = EXPANDED[kind]
        if since is not None:
            params["created"] = {"gte": int(since.timestamp())}
        if kind is Subscription:
            params["status"] = "all"
        page = await asked(f"list {kind.__name__}", self._lists[kind](params))
        while True:
            for item in page.data:
                try:
                    yield shaped(kind, item)
                except StripeUnreadable as flaw:
                    odd(flaw.sentence)
            if not page.has_more:
                return
            page = await asked(f"list {kind.__name__}", page.next_page_async())

    @override
    async def again(self, thing: ThingT) -> ThingT | None:
        kind = type(thing)
        found = await self._things[kind](thing.id)
        return found if isinstance(found, kind) else None

    async def _dispute(self, dispute_id: str) -> Dispute | None:
        asking = self._api.disputes.retrieve_async(dispute_id)
        return await found_by_id(Dispute, "get dispute", asking)

    async def _refund(self, refund_id: str) -> Refund | None:
        asking = self._api.refunds.retrieve_async(refund_id)
        return await found_by_id(Refund, "get refund", asking)

    @override
    async def check(self) -> None:
        await asked("get account", self._api.accounts.retrieve_current_async())

    @override
    async def hooks(self) -> list[str]:
        found = await asked(
            "list endpoints", self._api.webhook_endpoints.list_async({"limit": PAGE})
        )
        return [endpoint.url for endpoint in found.data if endpoint.status == "enabled"]

    @override
    async def portal(self) -> PortalRules | None:
        lists = self._api.billing_portal.configurations
        found = await asked(
            "list portals", lists.list_async({"is_default": True, "active": True, "limit": 1})
        )
        return _rules(found.data[0]) if found.data else None

    @override
    async def close(self) -> None:
        await self._http_client.close_async()  # type: ignore[no-untyped-call]


def _rules(portal: stripe.billing_portal.Configuration) -> PortalRules:
    changing = portal.features.subscription_update
    waiting = {one.type for one in changing.schedule_at_period_end.conditions}
    is_paid_back = changing.proration_behavior != "none" and not waiting >= SHRINKING
    return PortalRules(changes_plans=changing.enabled, pays_back=changing.enabled and is_paid_back)


def _product(offer: Offer) -> stripe.params.ProductCreateParams:
    return {
        "name": offer.name,
        "description": offer.description,
        "metadata": dict(offer.metadata),
    }
