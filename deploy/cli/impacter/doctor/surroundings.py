"""Where the doctor finds the product's settings: the environment, `.env`, or the folder of `make up`."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded.defaults import DATABASES, SERVICES, completed
from embedded.postgres import EmbeddedPostgres
from impacter.doctor.findings import Finding, broken
from impacter.settings import environment, is_port

ENGINES = ("BUS_URL", *(f"{name.upper()}_DATABASE_URL" for name in SERVICES))
SOCKET = "postgres/run/.s.PGSQL.5432"
LAST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The variables of the services, and the data folder whose private servers some of them name."""

    variables: Mapping[str, str]
    folder: Path | None = None
    private: Collection[str] = ()
    has_own_broker: bool = False

    @property
    def services(self) -> tuple[str, ...]:
        """The services that these variables are for: one that runs here alone, or all of them."""
        named = tuple(
            each for each in SERVICES if self.variables.get(f"{each.upper()}_DATABASE_URL")
        )
        return named if len(named) == 1 else SERVICES

    @property
    def is_at_rest(self) -> bool:
        """Whether the private servers have been ended with the product."""
        return self.folder is not None and not (self.folder / SOCKET).exists()

    def rests(self, variable: str) -> bool:
        """Tell whether this variable names a private server that has been ended with the product."""
        return self.is_at_rest and self.variables.get(variable) in self.private


def find() -> Surroundings | None:
    """Return the surroundings of the product on this machine; None where no product is.

    A data folder is a product's, whose own defaults stand for what is not set, unless all that it would serve is set.
    """
    known = environment()
    kept = folder()
    if (kept / "postgres").is_dir() and not all(known.get(each) for each in ENGINES):
        postgres = EmbeddedPostgres(kept / "postgres")
        urls = {name: postgres.url(name) for name in DATABASES}
        values = {**completed(_with_a_port(known), kept, urls), **_chosen(known, "PORT")}
        return Surroundings(values, kept, urls.values(), (kept / "rabbitmq").is_dir())
    return Surroundings(known) if any(known.get(each) for each in ENGINES[1:]) else None


def _with_a_port(known: Mapping[str, str]) -> Mapping[str, str]:
    """Leave out a port that is none: it is told by itself, and not by every address that would be made of it."""
    return known if is_port(known.get("PORT", "")) else {**known, "PORT": ""}


def _chosen(known: Mapping[str, str], name: str) -> Mapping[str, str]:
    return {name: known[name]} if known.get(name) else {}


def folder() -> Path:
    """Return the data folder, whether it is there or not."""
    return Path(environment().get("DATA_DIR") or "data").absolute()


def last_failure(here: Surroundings) -> Iterator[Finding]:
    """Tell what the private PostgreSQL said when it last could not go on."""
    log = here.folder / "postgres" / "postgres.log" if here.folder else None
    if log is None or not log.exists():
        return
    said = log.read_text(errors="replace").splitlines()[-LAST_WORDS:]
    fatal = [line.partition("FATAL: ")[2] or line.partition("PANIC: ")[2] for line in said]
    if any(fatal):
        yield broken("PostgreSQL", next(filter(None, reversed(fatal))).strip(), f"see {log}")


@contextmanager
def as_environment(values: Mapping[str, str]) -> Iterator[None]:
    """Have settings read these variables, as a service's process would."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
