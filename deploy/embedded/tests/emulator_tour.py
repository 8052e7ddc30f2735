"""A tour that asks every route of the emulator at least once, through the official library."""

import json
from collections.abc import Mapping
from typing import Any

import stripe
from emulator_parts import KEY, Stage

from embedded.emulator.client import InProcessHTTPClient
from embedded.emulator.paying import Payer
from embedded.emulator.routing import Routes

ADA = "ada@example.com"
SUCCESS = "https://product.test/success"


class Recorder(InProcessHTTPClient):
    """The in-process client, with a memory of what came back."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.answers: list[tuple[str, str, Any]] = []

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        body, status, answered = await super().request_async(method, url, headers, post_data)
        path = "/v1/" + url.partition("/v1/")[2].partition("?")[0]
        self.answers.append((method.upper(), path, json.loads(body)))
        return body, status, answered

    def asked(self, routes: Routes) -> set[str]:
        return {routes.match(method, path)[0].name for method, path, _ in self.answers}


class Tour:
    """The official client of an account, and what it was answered."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.recorder = Recorder(stage.emulator.app())
        self.client = stripe.StripeClient(
            KEY,
            base_addresses={"api": f"{stage.emulator.place.origin}/emulator/stripe"},
            http_client=self.recorder,
            max_network_retries=0,
        )
        self.v1 = self.client.v1
        stage.client, stage.v1 = self.client, self.v1

    async def go(self) -> None:
        for walk in (
            self.catalogue, self.customers, self.coupons, self.checkout, self.links, self.payments, self.methods, self.setups,
            self.refunds, self.disputes, self.subscriptions, self.invoices, self.portal, self.listening, self.account,
        ):  # fmt: skip
            await walk()

    async def catalogue(self) -> None:
        v1 = self.v1
        product = await v1.products.create_async(
            {
                "name": "Book",
                "metadata": {"a": "b"},
                "default_price_data": {"currency": "usd", "unit_amount": 700},
            }
        )
        await v1.products.update_async(product.id, {"description": "A book", "images": []})
        await v1.products.retrieve_async(product.id, {"expand": ["default_price"]})
        await v1.products.list_async({"active": True, "expand": ["data.default_price"]})
        price = await v1.prices.create_async(
            {
                "currency": "usd",
                "unit_amount": 900,
                "recurring": {"interval": "month"},
                "product_data": {"name": "Magazine"},
                "lookup_key": "magazine",
            }
        )
        await v1.prices.update_async(price.id, {"nickname": "Monthly"})
        await v1.prices.retrieve_async(price.id, {"expand": ["product"]})
        await v1.prices.list_async({"type": "recurring", "recurring": {"interval": "month"}})
        lonely = await v1.products.create_async({"name": "Lonely"})
        await v1.products.delete_async(lonely.id)

    async def customers(self) -> None:
        v1 = self.v1
        address = {"line1": "1 Main St", "city": "Springfield", "country": "US"}
        customer = await v1.customers.create_async(
            {"email": ADA, "name": "Ada", "metadata": {"user_id": "u1"}, "address": address}
        )
        await v1.customers.update_async(
            customer.id, {"shipping": {"name": "Ada", "address": {"line1": "1 Main St"}}}
        )
        await v1.customers.retrieve_async(customer.id, {"expand": ["subscriptions", "sources"]})
        await v1.customers.list_async({"email": ADA})
        await v1.customers.search_async({"query": "metadata['user_id']:'u1'"})
        gone = await v1.customers.create_async()
        await v1.customers.delete_async(gone.id)
        await v1.customers.retrieve_async(gone.id)

    async def coupons(self) -> None:
        v1 = self.v1
        coupon = await v1.coupons.create_async(
            {"percent_off": 25.5, "duration": "forever", "name": "Quarter"}
        )
        await v1.coupons.create_async({"amount_off": 500, "currency": "usd", "duration": "once"})
        await v1.coupons.update_async(coupon.id, {"name": "A quarter"})
        await v1.coupons.retrieve_async(coupon.id, {"expand": ["applies_to"]})
        await v1.coupons.list_async()
        code = await v1.promotion_codes.create_async(
            {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "QUARTER"}
        )
        await v1.promotion_codes.update_async(code.id, {"metadata": {"a": "b"}})
        await v1.promotion_codes.retrieve_async(code.id, {"expand": ["promotion.coupon"]})
        await v1.promotion_codes.list_async({"code": "QUARTER"})
        gone = await v1.coupons.create_async({"percent_off": 5, "duration": "once"})
        await v1.coupons.delete_async(gone.id)

    async def checkout(self) -> None:
        v1, control = self.v1, self.stage.control
        session = await self.stage.session(
            allow_promotion_codes=True, automatic_tax={"enabled": True}
        )
        await v1.checkout.sessions.update_async(session.id, {"metadata": {"a": "b"}})
        await v1.checkout.sessions.line_items.list_async(session.id)
        await control.pay(session.id, Payer(email=ADA, promotion_code="QUARTER"))
        expand = ["line_items", "payment_intent", "customer", "discounts.coupon"]
        await v1.checkout.sessions.retrieve_async(session.id, {"expand": expand})
        other = await self.stage.session()
        await v1.checkout.sessions.expire_async(other.id)
        debit = await self.stage.session()
        await control.pay(debit.id, Payer("pm_usBankAccount_success", email=ADA))
        await control.advance(days=5)
        await v1.checkout.sessions.list_async({"limit": 100, "expand": ["data.payment_intent"]})

    async def links(self) -> None:
        v1 = self.v1
        price = await self.stage.price("credits_per_cent")
        link = await v1.payment_links.create_async(
            {
                "line_items": [{"price": price.id, "quantity": 1}],
                "after_completion": {"type": "redirect", "redirect": {"url": SUCCESS}},
                "payment_intent_data": {"description": "Credits"},
                "restrictions": {"completed_sessions": {"limit": 5}},
            }
        )
        plan = await self.stage.price("basic_monthly")
        await v1.payment_links.create_async({"line_items": [{"price": plan.id, "quantity": 1}]})
        await v1.payment_links.update_async(link.id, {"metadata": {"a": "b"}})
        await v1.payment_links.retrieve_async(link.id, {"expand": ["line_items"]})
        await v1.payment_links.line_items.list_async(link.id)
        await v1.payment_links.list_async({"active": True})
        await self.stage.control.visit_link(link.id)

    async def payments(self) -> None:
        v1 = self.v1
        intent = await v1.payment_intents.create_async({"amount": 1000, "currency": "usd"})
        await v1.payment_intents.update_async(intent.id, {"description": "A thing"})
        await v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
        expand = ["latest_charge.balance_transaction", "payment_method"]
        await v1.payment_intents.retrieve_async(intent.id, {"expand": expand})
        held = await v1.payment_intents.create_async(
            {
                "amount": 1000,
                "currency": "usd",
                "capture_method": "manual",
                "payment_method": "pm_card_visa",
                "confirm": True,
            }
        )
        await v1.payment_intents.capture_async(held.id, {"amount_to_capture": 600})
        other = await v1.payment_intents.create_async({"amount": 1000, "currency": "usd"})
        await v1.payment_intents.cancel_async(other.id, {"cancellation_reason": "abandoned"})
        await v1.payment_intents.list_async({"limit": 100})
        charges = await v1.charges.list_async({"payment_intent": intent.id})
        charge = charges.data[0]
        await v1.charges.update_async(charge.id, {"description": "A thing"})
        await v1.charges.retrieve_async(charge.id, {"expand": ["refunds", "payment_intent"]})

    async def methods(self) -> None:
        v1 = self.v1
        customer = await v1.customers.create_async({"email": ADA})
        card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030}
        method = await v1.payment_methods.create_async({"type": "card", "card": card})
        await v1.payment_methods.attach_async(method.id, {"customer": customer.id})
        await v1.payment_methods.update_async(method.id, {"metadata": {"a": "b"}})
        await v1.payment_methods.retrieve_async(method.id, {"expand": ["customer"]})
        await v1.payment_methods.attach_async("pm_usBankAccount_success", {"customer": customer.id})
        await v1.payment_methods.list_async({"customer": customer.id})
        await v1.customers.payment_methods.list_async(customer.id)
        await v1.customers.payment_methods.retrieve_async(customer.id, method.id)
        await v1.payment_methods.detach_async(method.id)

    async def setups(self) -> None:
        v1 = self.v1
        customer = await v1.customers.create_async({"email": ADA})
        intent = await v1.setup_intents.create_async({"customer": customer.id})
        await v1.setup_intents.update_async(intent.id, {"description": "For later"})
        await v1.setup_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
        await v1.setup_intents.retrieve_async(intent.id, {"expand": ["payment_method"]})
        other = await v1.setup_intents.create_async()
        await v1.setup_intents.cancel_async(other.id)
        await v1.setup_intents.list_async()

    async def refunds(self) -> None:
        v1 = self.v1
        for token in ("pm_card_pendingRefund", "pm_card_refundFail"):
            charge = await self.charge(token)
            refund = await v1.refunds.create_async({"charge": charge, "amount": 400})
            await v1.refunds.update_async(refund.id, {"metadata": {"a": "b"}})
            await self.stage.control.advance(days=7)
            expand = ["charge", "payment_intent", "failure_balance_transaction"]
            await v1.refunds.retrieve_async(refund.id, {"expand": expand})
        try:
            await v1.refunds.cancel_async(refund.id)
        except stripe.InvalidRequestError:
            self.recorder.answers[-1] = ("POST", f"/v1/refunds/{refund.id}/cancel", None)
        await v1.refunds.list_async({"charge": charge})

    async def disputes(self) -> None:
        v1, control = self.v1, self.stage.control
        dispute = await control.dispute(await self.charge())
        evidence = {"product_description": "Credits"}
        await v1.disputes.update_async(dispute["id"], {"evidence": evidence, "submit": False})
        await control.end_dispute(dispute["id"], "won")
        await v1.disputes.retrieve_async(dispute["id"], {"expand": ["charge", "payment_intent"]})
        inquiry = await control.inquire(await self.charge())
        await control.escalate(inquiry["id"])
        await v1.disputes.close_async(inquiry["id"])
        await v1.disputes.list_async()

    async def subscriptions(self) -> None:
        v1, control = self.v1, self.stage.control
        basic = await self.stage.price("basic_monthly")
        business = await self.stage.price("business_monthly")
        subscription = await self.subscription("basic_monthly")
        item = subscription["items"].data[0].id
        await v1.subscriptions.update_async(
            subscription.id,
            {
                "items": [{"id": item, "price": business.id}],
                "proration_behavior": "always_invoice",
                "expand": ["latest_invoice.payments", "discounts"],
            },
        )
        await v1.subscription_items.retrieve_async(item)
        added = await v1.subscription_items.create_async(
            {"subscription": subscription.id, "price": basic.id}
        )
        await v1.subscription_items.update_async(added.id, {"quantity": 2})
        await v1.subscription_items.delete_async(added.id)
        await v1.subscription_items.list_async({"subscription": subscription.id})
        await control.renew(subscription.id)
        await control.fail_next(subscription.customer, times=9)
        await control.renew(subscription.id)
        await v1.subscriptions.retrieve_async(
            subscription.id, {"expand": ["customer", "latest_invoice", "default_payment_method"]}
        )
        await v1.subscriptions.cancel_async(subscription.id)
        await self.discounted(basic.id)
        await self.paused(basic.id)
        await v1.subscriptions.list_async({"status": "all", "limit": 100})

    async def discounted(self, price: str) -> None:
        v1 = self.v1
        customer = await self.payer()
        coupon = await v1.coupons.create_async({"percent_off": 50, "duration": "forever"})
        begun = await v1.subscriptions.create_async(
            {
                "customer": customer,
                "items": [{"price": price}],
                "discounts": [{"coupon": coupon.id}],
                "expand": ["latest_invoice.payments", "discounts.source.coupon"],
            }
        )
        await v1.subscriptions.delete_discount_async(begun.id)

    async def paused(self, price: str) -> None:
        v1 = self.v1
        customer = await v1.customers.create_async({"email": ADA})
        trial = await v1.subscriptions.create_async(
            {
                "customer": customer.id,
                "items": [{"price": price}],
                "trial_period_days": 4,
                "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}},
            }
        )
        await self.stage.control.advance(days=5)
        method = await v1.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
        settings = {"default_payment_method": method.id}
        await v1.customers.update_async(customer.id, {"invoice_settings": settings})
        await v1.subscriptions.resume_async(trial.id)

    async def invoices(self) -> None:
        v1 = self.v1
        customer = await self.payer()
        pending = await v1.invoice_items.create_async(
            {"customer": customer, "amount": 900, "currency": "usd", "description": "A thing"}
        )
        await v1.invoice_items.retrieve_async(pending.id, {"expand": ["customer"]})
        invoice = await v1.invoices.create_async({"customer": customer})
        await v1.invoices.update_async(invoice.id, {"description": "Thanks"})
        await v1.invoices.finalize_invoice_async(invoice.id)
        expand = ["payments.data.payment.payment_intent", "confirmation_secret", "customer"]
        await v1.invoices.retrieve_async(invoice.id, {"expand": expand})
        await v1.invoices.line_items.list_async(invoice.id)
        await v1.invoices.mark_uncollectible_async(invoice.id)
        await v1.invoices.pay_async(invoice.id)
        payments = await v1.invoice_payments.list_async({"invoice": invoice.id})
        await v1.invoice_payments.retrieve_async(payments.data[0].id, {"expand": ["invoice"]})
        other = await v1.invoice_items.create_async({"customer": customer, "amount": 900})
        await v1.invoice_items.list_async({"customer": customer})
        await v1.invoice_items.delete_async(other.id)
        await v1.invoices.delete_async((await v1.invoices.create_async({"customer": customer})).id)
        await v1.invoice_items.create_async({"customer": customer, "amount": 900})
        void = await v1.invoices.create_async({"customer": customer})
        await v1.invoices.finalize_invoice_async(void.id)
        await v1.invoices.void_invoice_async(void.id)
        await v1.invoices.list_async({"limit": 100, "expand": ["data.payments"]})
        subscription = await self.subscription("basic_yearly")
        await v1.invoices.create_preview_async({"subscription": subscription.id})

    async def portal(self) -> None:
        v1 = self.v1
        subscription = await self.subscription("basic_monthly")
        made = await v1.billing_portal.configurations.create_async(
            {"features": {"invoice_history": {"enabled": True}}, "name": "Plain"}
        )
        await v1.billing_portal.configurations.update_async(made.id, {"active": False})
        await v1.billing_portal.configurations.retrieve_async(made.id)
        await v1.billing_portal.configurations.list_async()
        flow = {
            "type": "subscription_update_confirm",
            "subscription_update_confirm": {
                "subscription": subscription.id,
                "items": [{"id": subscription["items"].data[0].id}],
            },
        }
        await v1.billing_portal.sessions.create_async(
            {"customer": subscription.customer, "flow_data": flow, "expand": ["configuration"]}
        )

    async def listening(self) -> None:
        v1 = self.v1
        endpoint = await v1.webhook_endpoints.create_async(
            {"url": "https://product.test/hook", "enabled_events": ["charge.succeeded"]}
        )
        await v1.webhook_endpoints.update_async(endpoint.id, {"disabled": True})
        await v1.webhook_endpoints.retrieve_async(endpoint.id)
        await v1.webhook_endpoints.list_async()
        await v1.webhook_endpoints.delete_async(endpoint.id)
        events = await v1.events.list_async({"types": ["charge.*"], "limit": 100})
        await v1.events.retrieve_async(events.data[0].id)

    async def account(self) -> None:
        v1 = self.v1
        account = await v1.accounts.retrieve_current_async()
        await v1.accounts.retrieve_async(account.id)
        await v1.balance.retrieve_async()
        booked = await v1.balance_transactions.list_async({"limit": 100})
        await v1.balance_transactions.retrieve_async(booked.data[0].id)

    async def charge(self, token: str = "pm_card_visa") -> str:
        intent = await self.v1.payment_intents.create_async(
            {"amount": 1000, "currency": "usd", "payment_method": token, "confirm": True}
        )
        return str(intent.latest_charge)

    async def payer(self) -> str:
        customer = await self.v1.customers.create_async({"email": ADA})
        method = await self.v1.payment_methods.attach_async(
            "pm_card_visa", {"customer": customer.id}
        )
        settings = {"default_payment_method": method.id}
        await self.v1.customers.update_async(customer.id, {"invoice_settings": settings})
        return str(customer.id)

    async def subscription(self, lookup_key: str) -> Any:
        session = await self.stage.session(lookup_key)
        paid = await self.stage.control.pay(session.id, Payer(email=ADA))
        return await self.v1.subscriptions.retrieve_async(paid["subscription"])
