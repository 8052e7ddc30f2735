"""The notifier, put together; the only place that names its implementations."""

from notifier import addresses
from notifier.handlers import answering
from notifier.letters import Letters
from notifier.mailer import Mailer, open_mailer
from notifier.metrics import gauges
from notifier.routes import router
from notifier.settings import NotifierSettings
from notifier.workers import MailWorker
from shared.db import Database
from shared.http import AdminKey
from shared.sealing import Seal
from shared.service import Service
from shared.settings import load
from shared.tokens import Verifier, key_set_at
from shared.workers import Loop

SENDERS = 2
"""How many mails a process sends at a time."""


def build(settings: NotifierSettings | None = None) -> Service:
    """Return the notifier as its settings describe it."""
    settings = settings or load(NotifierSettings)
    return assemble(
        settings,
        database=Database(settings.database_url, source="notifier"),
        mailer=open_mailer(settings.mail_url.get_secret_value()),
        verifier=Verifier(key_set_at(settings.jwks_url), issuer=settings.site_url),
    )


def assemble(
    settings: NotifierSettings, *, database: Database, mailer: Mailer, verifier: Verifier
) -> Service:
    """Return the notifier made of these parts."""
    letters = Letters(
        site_url=settings.site_url,
        sender=addresses.sender(settings.sender),
        seal=Seal(settings.link_sealing_key.get_secret_value()),
    )
    worker = MailWorker(database, letters, mailer, lease_s=settings.lease_s)
    return Service(
        name="notifier",
        database=database,
        migrations="notifier.migrations",
        router=router,
        handlers=answering(settings.operator),
        workers=[Loop(f"mail {number}", worker.work_once) for number in range(SENDERS)],
        resources={
            Database: database,
            Verifier: verifier,
            AdminKey: AdminKey(settings.admin_api_key.get_secret_value()),
        },
        gauges=gauges,
    )
