"""What billing is made of."""

import stripe

from billing.cashier import Cashier
from billing.handlers import handlers
from billing.metrics import gauges
from billing.purchases import Terms
from billing.reconciliation import PATIENCE_S, Reconciler
from billing.routes import router
from billing.settings import BillingSettings
from billing.spending import Spending
from billing.statement import Press, StatementKeys
from billing.stripe_events import StripeInbox
from billing.stripe_gateway import StripeGateway
from billing.stripe_transport import Transport
from billing.workers import ledger_loops
from billing.workers.chores import Chores
from billing.workers.stripe import Errands
from shared.clock import Clock, SystemClock
from shared.db import Database
from shared.http import AdminKey
from shared.sealing import Seal
from shared.service import Service
from shared.settings import load
from shared.tokens import Verifier, key_set_at


def build(settings: BillingSettings | None = None) -> Service:
    """Return the service with its production adapters."""
    settings = settings or load(BillingSettings)
    return assemble(
        settings,
        database=Database(settings.database_url, source="billing"),
        to_stripe=Transport(),
        verifier=Verifier(key_set_at(settings.jwks_url), issuer=settings.site_url),
    )


def assemble(
    settings: BillingSettings,
    *,
    database: Database,
    to_stripe: stripe.HTTPClient,
    verifier: Verifier,
    patience_s: float = PATIENCE_S,
    clock: Clock | None = None,
) -> Service:
    """Return the service with these adapters: how its library reaches Stripe, whose time Stripe's signatures are held to."""
    gateway = StripeGateway(
        settings.stripe_secret_key.get_secret_value(),
        api_base=settings.stripe_api_base,
        site_url=settings.site_url,
        http_client=to_stripe,
    )
    terms = Terms(settings.promotion_codes, settings.automatic_tax)
    errands = Errands(database, gateway, settings)
    inbox = StripeInbox(
        database,
        clock or SystemClock(),
        secrets=settings.webhook_secrets,
        is_live=settings.is_live,
        on_arrival=errands.identify_soon,
        on_plan=errands.walk_soon,
    )
    reconciler = Reconciler(database, gateway, inbox, patience_s=patience_s)
    chores = Chores(database, gateway, reconciler, reconcile_s=settings.reconcile_s)
    return Service(
        name="billing",
        database=database,
        migrations="billing.migrations",
        router=router,
        handlers=handlers,
        workers=[*ledger_loops(database), *errands.loops, chores.loop],
        resources={
            Database: database,
            BillingSettings: settings,
            StripeInbox: inbox,
            Spending: Spending(database, checkout_url=settings.checkout_url),
            Cashier: Cashier(database, gateway, terms),
            Reconciler: reconciler,
            Press: Press(),
            StatementKeys: StatementKeys(Seal(settings.sealing_key.get_secret_value())),
            AdminKey: AdminKey(settings.admin_api_key.get_secret_value()),
            Verifier: verifier,
        },
        gauges=gauges,
        close=gateway.close,
    )
