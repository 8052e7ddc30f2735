"""What the embedded product sets of the variables that production sets: a dictionary, and no code paths."""

import base64
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

SERVICES = ("auth", "billing", "tasks", "notifier", "agent_runner")
DATABASES = (*SERVICES, "bus")
STRIPE = "https://api.stripe.com"
EMULATED_KEY = "sk_test_emulated_"


def variables(folder: Path, port: str, databases: Mapping[str, str]) -> dict[str, str]:
    """Return a value for every variable that has to be set; `databases` are URLs by name."""
    origin = f"http://127.0.0.1:{port}"
    urls = {f"{name.upper()}_DATABASE_URL": databases[name] for name in SERVICES}
    return {
        "HOST": "127.0.0.1",
        "PORT": port,
        "SITE_URL": origin,
        "JWKS_URL": f"{origin}/.well-known/jwks.json",
        "BUS_URL": databases["bus"],
        **urls,
        "BLOBS_URL": f"file://{folder / 'files'}",
        "BILLING_STRIPE_API_BASE": f"{origin}/emulator/stripe",
        "NOTIFIER_MAIL_URL": mail_url(folder),
        "NOTIFIER_FROM": "ImpacterAGI <hello@example.com>",
        "AGENT_RUNNER_SCRATCH_DIR": str(folder / "scratch"),
        "LOG_FORMAT": "console",
        "LOG_LEVEL": "WARNING",
        **own_secrets(folder),
    }


def completed(
    environment: Mapping[str, str],
    folder: Path,
    databases: Mapping[str, str],
    defaults: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return what the environment sets, and a value for all that it leaves open; `defaults` go before our own."""
    made = variables(folder, environment.get("PORT") or "8080", databases)
    if not emulates_stripe(environment):
        made["BILLING_STRIPE_API_BASE"] = STRIPE
    given = {name: value for name, value in environment.items() if value}
    return {**made, **(defaults or {}), **given}


def emulates_stripe(environment: Mapping[str, str]) -> bool:
    """Tell whether Stripe is emulated: it is, unless the caller brings the key of an account at Stripe."""
    key = environment.get("STRIPE_SECRET_KEY", "")
    return not key or key.startswith(EMULATED_KEY)


def shows_mailbox(environment: Mapping[str, str], folder: Path) -> bool:
    """Tell whether mails are shown to whoever asks: never where money is real, or where they go to people."""
    is_live = environment["STRIPE_SECRET_KEY"].startswith(("sk_live_", "rk_live_"))
    return not is_live and environment["NOTIFIER_MAIL_URL"] == mail_url(folder)


def stripe_folder(folder: Path) -> Path:
    """Return the folder that keeps the emulated account."""
    return folder / "stripe"


def mail_folder(folder: Path) -> Path:
    """Return the folder that mails are written to."""
    return folder / "mail"


def mail_url(folder: Path) -> str:
    """Return where mails go unless they are to be sent."""
    return f"file://{mail_folder(folder)}"


def own_secrets(folder: Path) -> dict[str, str]:
    """Return this installation's secrets, made once and kept in `secrets.env`, for its owner's eyes only."""
    file = folder / "secrets.env"
    known = _read(file) if file.exists() else {}
    missing = {name: make() for name, make in SECRETS.items() if name not in known}
    if missing:
        lines = "".join(f"{name}={value}\n" for name, value in {**known, **missing}.items())
        partial = file.with_suffix(".part")
        partial.touch(mode=0o600)
        partial.write_text(lines)
        partial.replace(file)
    return {**known, **missing}


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


SECRETS: dict[str, Callable[[], str]] = {
    "ADMIN_API_KEY": lambda: secrets.token_urlsafe(32),
    "STRIPE_SECRET_KEY": lambda: f"{EMULATED_KEY}{secrets.token_hex(16)}",
    "STRIPE_WEBHOOK_SECRET": lambda: f"whsec_{secrets.token_hex(24)}",
    "LINK_SEALING_KEY": _key,
    "BILLING_SEALING_KEY": _key,
    "AUTH_PASSWORD_PEPPER": lambda: secrets.token_urlsafe(32),
    "BLOBS_LINK_SECRET": lambda: secrets.token_urlsafe(32),
}


def _read(file: Path) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
    return dict(pairs)
