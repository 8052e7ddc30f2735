"""Settings: each service's, read as it reads them, and what nobody reads."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from dotenv import dotenv_values
from pydantic import AliasChoices
from pydantic_settings import BaseSettings

from embedded.defaults import SERVICES
from embedded.settings import FrontSettings
from impacter.doctor.findings import Finding, broken, ok, shown
from shared.settings import CommonSettings, MissingSettings, ProcessSettings, Settings, load

BASES = (BaseSettings, Settings, CommonSettings)
BESIDE = {
    "PORT",
    "DATA_DIR",
    "COMPOSE_PROJECT_NAME",
    *(f"{name.upper()}_DATABASE_PASSWORD" for name in SERVICES),
}
BESIDE_SERVICES = ("embedded.settings", "gateway.settings", "distributed.settings")
OURS = (*(f"{name.upper()}_" for name in SERVICES), "GATEWAY_", "STRIPE_", "BLOBS_")
EXAMPLE = re.compile(r"^#? ?([A-Z][A-Z0-9_]*)=", re.MULTILINE)
FIX = "set it in .env or in the environment of the service; .env.example says what it is"
STRIPE_KEY = re.compile(r"(?:sk|rk)_(?:test|live)_\w+")


def check(services: Sequence[str] = SERVICES) -> Iterator[Finding]:
    """Tell of these services' settings, of what stands before them all, and of variables that nobody reads."""
    yield from _of("settings of the process", ProcessSettings)
    for name in services:
        yield from _of(f"settings of {shown(name)}", settings_of(name))
    if len(services) > 1:
        yield from _of("settings of the gateway", FrontSettings)
    yield from _unknown()


def check_stripe(values: Mapping[str, str]) -> Iterator[Finding]:
    """Tell whether Stripe's key and webhook secrets have the form that Stripe gives them."""
    key = values.get("STRIPE_SECRET_KEY", "")
    if key.startswith("pk_"):
        why, to_do = "it is the publishable key", "take the secret key (sk_…) of the same page"
        yield broken("Stripe key", why, f"{to_do} of Stripe's dashboard: Developers, API keys")
    elif not STRIPE_KEY.fullmatch(key):
        to_do = "copy it anew from Stripe's dashboard: Developers, API keys"
        yield broken("Stripe key", "it does not look like sk_test_… or sk_live_…", to_do)
    else:
        yield ok("Stripe key", "live mode" if "_live_" in key else "test mode")
    yield _webhook_secrets(values.get("STRIPE_WEBHOOK_SECRET", ""))


def settings_of(service: str) -> type[BaseSettings]:
    """Return the settings class of a service."""
    [found] = declared_in(f"{service}.settings")
    return found


def declared_in(module: str) -> list[type[BaseSettings]]:
    """Return the settings classes that a module declares."""
    values = vars(import_module(module)).values()
    kinds = [value for value in values if isinstance(value, type)]
    return [kind for kind in kinds if issubclass(kind, BaseSettings) and kind not in BASES]


def variables_of(kind: type[BaseSettings]) -> set[str]:
    """Return the names of the variables that a settings class reads."""
    prefix = kind.model_config.get("env_prefix", "")
    names: set[str] = set()
    for field, about in kind.model_fields.items():
        match about.validation_alias:
            case str(alias):
                names.add(alias)
            case AliasChoices(choices):
                names |= {str(choice) for choice in choices}
            case _:
                names.add(f"{prefix}{field}".upper())
    return names


def _of(what: str, kind: type[BaseSettings]) -> Iterator[Finding]:
    try:
        load(kind)
    except MissingSettings as flaw:
        complaints: dict[str, list[str]] = {}
        for line in str(flaw).splitlines()[1:]:
            variable, _, said = line.strip().partition(": ")
            complaints.setdefault(variable, []).append(said)
        missing = [name for name, said in complaints.items() if "Field required" in said]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            yield broken(what, f"{', '.join(missing)} {verb} missing", FIX)
        for name in complaints.keys() - missing:
            yield broken(what, f"{name} is not valid: {'; or '.join(complaints[name])}", FIX)
    else:
        yield ok(what)


def _webhook_secrets(text: str) -> Finding:
    what = "Stripe webhook secret"
    secrets = [part.strip() for part in text.split(",") if part.strip()]
    if secrets and all(re.fullmatch(r"whsec_\w+", secret) for secret in secrets):
        return ok(what, "" if len(secrets) == 1 else f"{len(secrets)} of them, for a rotation")
    to_do = "copy it from the endpoint's page in Stripe's dashboard: Developers, Webhooks"
    return broken(what, "it does not look like whsec_…", to_do)


def _unknown() -> Iterator[Finding]:
    """Tell of variables that no settings class and no example names: misspelled ones of ours, and all in `.env`."""
    file, known = Path(".env"), _known()
    listed = set(dotenv_values(file, interpolate=False)) if file.exists() else set()
    for name in sorted(listed - known):
        near = _near(name, known)
        to_do = f"did you mean {near}?" if near else "take it out, or see .env.example for its name"
        yield broken(".env", f"{name} is read by nobody", to_do)
    if listed and listed <= known:
        yield ok(".env", "every name in it is read by somebody")
    for name in sorted(set(os.environ) - known - listed):
        near = _near(name, known) if name.startswith(OURS) else ""
        if near:
            yield broken("environment", f"{name} is read by nobody", f"did you mean {near}?")


def _known() -> set[str]:
    """Return the names of all variables that somebody reads."""
    kinds: list[type[BaseSettings]] = [ProcessSettings, *(settings_of(name) for name in SERVICES)]
    for module in BESIDE_SERVICES:
        with suppress(ModuleNotFoundError):
            kinds += declared_in(module)
    known = BESIDE | {name for kind in kinds for name in variables_of(kind)}
    example = Path(".env.example")
    return known | set(EXAMPLE.findall(example.read_text()) if example.exists() else ())


def _near(name: str, known: set[str]) -> str:
    """Return the variable that a misspelled one was most likely meant to be."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.75)), "")
