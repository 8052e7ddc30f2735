"""What tasks is made of."""

from shared.blobs import Blobs, open_blobs
from shared.db import Database
from shared.http import AdminKey, joined
from shared.service import Service
from shared.settings import load
from shared.tokens import Verifier, key_set_at
from shared.workers import Loop
from tasks import routes, stream
from tasks.asking import Asking
from tasks.handlers import InTurn, handlers
from tasks.hub import Hub
from tasks.metrics import gauges
from tasks.overdue import Overdue
from tasks.settings import TasksSettings

STREAMS_POLL_S = 0.25


def build(settings: TasksSettings | None = None) -> Service:
    """Return the service with its production adapters."""
    settings = settings or load(TasksSettings)
    database = Database(settings.database_url, source="tasks")
    blobs = open_blobs(settings.blobs_url, secret=settings.blobs_link_secret.get_secret_value())
    hub = Hub(database)
    return Service(
        name="tasks",
        database=database,
        migrations="tasks.migrations",
        router=joined(routes.router, blobs.routes()),
        handlers=InTurn(handlers, hub),
        aged=[stream.AGED],
        workers=[
            Loop("tasks streams", hub.poll_once, poll_s=STREAMS_POLL_S),
            Overdue(database, hub, after_s=settings.pending_s_max).loop("tasks overdue"),
        ],
        resources={
            Database: database,
            TasksSettings: settings,
            Hub: hub,
            Asking: Asking(database, hub, checkout_url=settings.checkout_url),
            Blobs: blobs,
            AdminKey: AdminKey(settings.admin_api_key.get_secret_value()),
            Verifier: Verifier(key_set_at(settings.jwks_url), issuer=settings.site_url),
        },
        gauges=gauges,
        farewell=hub.close,
    )
