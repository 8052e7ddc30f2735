"""Stripe: whether it answers, takes our key, tells us of events, and how customers may change plans there."""

from functools import partial

from billing.gateway import Gateway, StripeAway, StripeRefused
from billing.settings import BillingSettings
from billing.stripe_gateway import StripeGateway
from billing.stripe_transport import Transport
from embedded.defaults import STRIPE
from impacter.doctor.findings import Broken, Finding, State, look, skipped
from shared.settings import load

WEBHOOK = "/api/webhooks/stripe"
AWAY = "see Stripe's status page, or correct BILLING_STRIPE_API_BASE; nothing is lost meanwhile"
KEY = "copy STRIPE_SECRET_KEY anew from Stripe's dashboard: Developers, API keys"
PORTAL = "save the settings of the customer portal at Stripe: Settings, Billing"
SHRINK_LATER = "in the portal's settings at Stripe let plans shrink, and give way to shorter ones, at the end of the period"


async def check_stripe(*, is_at_rest: bool) -> list[Finding]:
    """Tell whether Stripe answers and takes our key, whether an endpoint there is ours, and what its portal allows."""
    settings = load(BillingSettings)
    if is_at_rest and settings.stripe_api_base.startswith(_site(settings)):
        why = "the emulated Stripe runs while the product does"
        return [skipped("Stripe", why, "start it with `make up`, then look again")]
    gateway = StripeGateway(
        settings.stripe_secret_key.get_secret_value(),
        api_base=settings.stripe_api_base,
        site_url=settings.site_url,
        http_client=Transport(),
    )
    try:
        found = await look("Stripe", partial(_answers, gateway, settings), to_do=AWAY)
        if found.state is not State.OK:
            return [found]
        hears = partial(_tells_us, gateway, settings)
        hook = await look("Stripe webhook endpoint", hears, to_do=AWAY)
        portal = await look("Stripe portal", partial(_opens_portals, gateway), to_do=AWAY)
    finally:
        await gateway.close()
    return [found, hook, portal]


async def _answers(gateway: Gateway, settings: BillingSettings) -> str:
    try:
        await gateway.check()
    except StripeAway:
        raise Broken("it does not answer", AWAY) from None
    except StripeRefused as refusal:
        raise Broken(f"it declines: {refusal.reason}", KEY) from None
    return settings.stripe_api_base


async def _tells_us(gateway: Gateway, settings: BillingSettings) -> str:
    ours = f"{_site(settings)}{WEBHOOK}"
    urls = await gateway.hooks()
    found = [url for url in urls if url == ours or _is_inside(url, settings)]
    if not found:
        where = ", ".join(urls) or "nowhere"
        to_do = f"make an endpoint for {ours} at Stripe: Developers, Webhooks"
        raise Broken(f"events are told to {where}", to_do)
    return found[0]


async def _opens_portals(gateway: Gateway) -> str:
    rules = await gateway.portal()
    if rules is None:
        raise Broken("it is not set up: customers cannot see to their plans", PORTAL)
    if rules.pays_back:
        raise Broken("a plan that shrinks is paid back at once, and its credits stay", SHRINK_LATER)
    return "" if rules.changes_plans else "customers cannot change plans there"


def _is_inside(url: str, settings: BillingSettings) -> bool:
    """Tell whether the emulated Stripe, which is inside with us, tells billing without the gateway."""
    return settings.stripe_api_base != STRIPE and url.endswith(WEBHOOK)


def _site(settings: BillingSettings) -> str:
    return settings.site_url.rstrip("/")
