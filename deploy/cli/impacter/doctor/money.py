"""Stripe: whether it answers, takes our key, and tells us of events."""

from billing.gateway import Gateway, StripeAway, StripeRefused
from billing.settings import BillingSettings
from billing.stripe_gateway import StripeGateway
from billing.stripe_transport import Transport
from embedded.defaults import STRIPE
from impacter.doctor.findings import Broken, Finding, look, skipped
from shared.settings import load

WEBHOOK = "/api/webhooks/stripe"
AWAY = "see Stripe's status page, or correct BILLING_STRIPE_API_BASE; nothing is lost meanwhile"
KEY = "copy STRIPE_SECRET_KEY anew from Stripe's dashboard: Developers, API keys"


async def check_stripe(*, is_at_rest: bool) -> list[Finding]:
    """Tell whether Stripe answers and takes our key, and whether an endpoint there is ours."""
    settings = load(BillingSettings)
    site = settings.site_url.rstrip("/")
    if is_at_rest and settings.stripe_api_base.startswith(site):
        why = "the emulated Stripe runs while the product does"
        return [skipped("Stripe", why, "start it with `make up`, then look again")]
    gateway: Gateway = StripeGateway(
        settings.stripe_secret_key.get_secret_value(),
        api_base=settings.stripe_api_base,
        site_url=settings.site_url,
        http_client=Transport(),
    )

    async def answers() -> str:
        try:
            await gateway.check()
        except StripeAway:
            raise Broken("it does not answer", AWAY) from None
        except StripeRefused as refusal:
            raise Broken(f"it declines: {refusal.reason}", KEY) from None
        return settings.stripe_api_base

    async def tells_us() -> str:
        urls = await gateway.hooks()
        ours = [url for url in urls if url == f"{site}{WEBHOOK}" or is_inside(url)]
        if not ours:
            where = ", ".join(urls) or "nowhere"
            to_do = f"make an endpoint for {site}{WEBHOOK} at Stripe: Developers, Webhooks"
            raise Broken(f"events are told to {where}", to_do)
        return ours[0]

    def is_inside(url: str) -> bool:
        """Tell whether the emulated Stripe, which is inside with us, tells billing without the gateway."""
        return settings.stripe_api_base != STRIPE and url.endswith(WEBHOOK)

    try:
        found = await look("Stripe", answers, to_do=AWAY)
        hook = await look("Stripe webhook endpoint", tells_us, to_do=AWAY)
    finally:
        await gateway.close()
    return [found, hook] if found.state == "ok" else [found]
