"""What billing is made of."""

from billing.handlers import handlers
from billing.metrics import gauges
from billing.routes import router
from billing.settings import BillingSettings
from billing.stripe_events import StripeInbox
from billing.workers import prover
from shared.clock import Clock, SystemClock
from shared.db import Database
from shared.http import AdminKey
from shared.service import Service
from shared.settings import load
from shared.tokens import Verifier, key_set_at


def build(settings: BillingSettings | None = None) -> Service:
    """Return the service with its production adapters."""
    settings = settings or load(BillingSettings)
    database = Database(settings.database_url, source="billing")
    return Service(
        name="billing",
        database=database,
        migrations="billing.migrations",
        router=router,
        handlers=handlers,
        workers=[prover(database)],
        resources={
            Database: database,
            BillingSettings: settings,
            Clock: SystemClock(),
            StripeInbox: StripeInbox(database, is_live=settings.is_live),
            AdminKey: AdminKey(settings.admin_api_key.get_secret_value()),
            Verifier: Verifier(key_set_at(settings.jwks_url), issuer=settings.site_url),
        },
        gauges=gauges,
    )
