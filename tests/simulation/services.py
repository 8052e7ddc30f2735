"""How each service of the product is built for a simulated process: its own `build`, with the world's outside."""

import base64
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import auth.service
import tasks.service
from agent_runner.service import assemble as assemble_runner
from agent_runner.settings import AgentRunnerSettings
from auth.settings import AuthSettings
from billing.service import assemble as assemble_billing
from billing.settings import BillingSettings
from notifier.service import assemble as assemble_notifier
from notifier.settings import NotifierSettings
from shared.blobs import Blobs
from shared.db import Database
from shared.service import Service
from shared.testing import ADMIN_KEY, TokenIssuer
from shared.tokens import Verifier
from tasks.settings import TasksSettings
from tests.simulation.nodes import Build, Owned
from tests.simulation.outside import Agent, Post, Store
from tests.simulation.stripe_account import API_BASE, API_KEY, StripeAccount
from tests.stripe_events import WEBHOOK_SECRET

SITE = "http://impacter.invalid"
PENDING_S_MAX = 1
SCRATCH = Path(tempfile.gettempdir())
KEY = base64.urlsafe_b64encode(b"the key of a simulation's links.").decode()
COMMON: dict[str, Any] = {
    "site_url": SITE,
    "jwks_url": f"{SITE}/.well-known/jwks.json",
    "admin_api_key": ADMIN_KEY,
    "database_url": "postgresql+asyncpg://nobody@database.invalid/simulated",
}
FILES: dict[str, Any] = {"blobs_url": "file:///nowhere", "blobs_link_secret": "of no use here"}
RUNNER: dict[str, Any] = {
    "executor": "demo",
    "concurrency": 2,
    "run_s_max": 90,
    "lease_s": 20,
    "retry_s": 1,
    "clean_up_s_max": 5,
    "attempts_max": 3,
}
LONG_AGO, FAR_AWAY = 1_700_000_000, 4_102_444_800
_ISSUER = TokenIssuer(SITE)
_TOKENS: dict[tuple[UUID, str | None], str] = {}


def token_of(user_id: UUID, address: str | None = None) -> str:
    """Return an access token of a user, as auth would sign one."""
    if (user_id, address) not in _TOKENS:
        claims = {"iat": LONG_AGO, "exp": FAR_AWAY, "jti": "one of a simulation"}
        whose = {"email": address} if address else {}
        _TOKENS[user_id, address] = _ISSUER.token(user_id, **claims, **whose)
    return _TOKENS[user_id, address]


def _auth(owned: Owned) -> Service:
    settings = AuthSettings(
        **COMMON, password_pepper="a pepper of sixteen", bcrypt_cost=4, link_sealing_key=KEY
    )
    return auth.service.build(settings)


def _billing(owned: Owned) -> Service:
    settings = BillingSettings(
        **COMMON,
        sealing_key=KEY,
        stripe_secret_key=API_KEY,
        stripe_webhook_secret=WEBHOOK_SECRET,
        stripe_api_base=API_BASE,
        reconcile_s=60,
        grace_days=0,  # Stripe's time goes on in jumps, ours does not
    )
    return assemble_billing(
        settings,
        database=Database(settings.database_url, source="billing"),
        to_stripe=owned.outside[StripeAccount].wire(),
        verifier=_verifier(),
        clock=owned.clock,
    )


def _tasks(owned: Owned) -> Service:
    settings = TasksSettings(**COMMON, **FILES, pending_s_max=PENDING_S_MAX)
    service = tasks.service.build(settings)
    replaced = {Verifier: _verifier(), Blobs: owned.outside[Store]}
    return replace(service, resources={**service.resources, **replaced})


def _notifier(owned: Owned) -> Service:
    settings = NotifierSettings(
        **COMMON, mail_url="file:///nowhere", sender="us@example.com", link_sealing_key=KEY
    )
    database = Database(settings.database_url, source="notifier")
    post: Post = owned.outside[Post]
    return assemble_notifier(settings, database=database, mailer=post, verifier=_verifier())


def _agent_runner(owned: Owned) -> Service:
    settings = AgentRunnerSettings(**COMMON, **FILES, **RUNNER, scratch_dir=SCRATCH)
    agent: Agent = owned.outside[Agent]
    return assemble_runner(
        settings,
        database=Database(settings.database_url, source="agent-runner"),
        agents={"demo": agent},
        blobs=owned.outside[Store],
        verifier=_verifier(),
    )


def _verifier() -> Verifier:
    return Verifier(_ISSUER.key_set, issuer=SITE)


BUILDS: dict[str, Build] = {
    "auth": _auth,
    "billing": _billing,
    "tasks": _tasks,
    "notifier": _notifier,
    "agent-runner": _agent_runner,
}
