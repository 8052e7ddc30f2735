"""What auth is made of."""

import os
from datetime import timedelta
from typing import Any

from auth.handlers import answering
from auth.links import Links
from auth.metrics import gauges
from auth.passwords import Passwords
from auth.routes import router
from auth.routes.browser import Site
from auth.sessions import Sessions
from auth.settings import AuthSettings
from auth.signing_in import Entrance
from auth.signing_keys import SigningKeys
from shared.clock import Clock
from shared.db import Database
from shared.http import AdminKey
from shared.pruning import Aged
from shared.sealing import Seal
from shared.service import Service
from shared.settings import load
from shared.tokens import Verifier

KEPT_FOR = timedelta(days=30)
AGED = (
    Aged("one_time_tokens", "expires_at", KEPT_FOR),
    Aged("sessions", "ends_at", KEPT_FOR),
    Aged("throttles", "last_failed_at", KEPT_FOR),
)


def build(settings: AuthSettings | None = None, *, clock: Clock | None = None) -> Service:
    """Return the auth service; `clock` replaces the database's in tests."""
    settings = settings or load(AuthSettings)
    database = Database(settings.database_url, source="auth", clock=clock)
    seal = Seal(settings.link_sealing_key.get_secret_value())
    links = Links(seal)
    return Service(
        name="auth",
        database=database,
        migrations="auth.migrations",
        router=router,
        handlers=answering(links),
        aged=AGED,
        resources={
            Database: database,
            Links: links,
            AdminKey: AdminKey(settings.admin_api_key.get_secret_value()),
            Site: Site(settings.site_url),
            **_passwords(settings, database),
            **_tokens(settings, database, SigningKeys(seal)),
        },
        gauges=gauges,
    )


def _passwords(settings: AuthSettings, database: Database) -> dict[type, Any]:
    pepper = settings.password_pepper.get_secret_value()
    passwords = Passwords(pepper, cost=settings.bcrypt_cost, at_once=os.cpu_count() or 1)
    return {Passwords: passwords, Entrance: Entrance(database, passwords)}


def _tokens(settings: AuthSettings, database: Database, keys: SigningKeys) -> dict[type, Any]:
    pepper = settings.password_pepper.get_secret_value()

    async def key_set() -> dict[str, Any]:
        """Auth verifies its own tokens with its own database: no request to itself."""
        async with database.transaction() as tx:
            return await keys.public(tx)

    return {
        SigningKeys: keys,
        Sessions: Sessions(keys, issuer=settings.site_url, secret=pepper),
        Verifier: Verifier(key_set, issuer=settings.site_url),
    }
