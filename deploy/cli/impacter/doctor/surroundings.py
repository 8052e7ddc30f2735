"""Where the doctor finds the product's settings: the environment, `.env`, or the folder of `make up`."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded.defaults import DATABASES, SERVICES, variables
from embedded.postgres import EmbeddedPostgres
from impacter.doctor.findings import Finding, broken
from impacter.settings import environment

SOCKET = "postgres/run/.s.PGSQL.5432"
LAST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The variables of the services, and whether they stand on the private servers of a data folder."""

    variables: Mapping[str, str]
    folder: Path | None = None
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


def find() -> Surroundings | None:
    """Return the surroundings of the product on this machine; None where no product is."""
    known = environment()
    if any(known.get(f"{name.upper()}_DATABASE_URL") for name in SERVICES):
        return Surroundings(known)
    folder = Path(known.get("DATA_DIR") or "data").absolute()
    if not (folder / "postgres").is_dir():
        return None
    postgres = EmbeddedPostgres(folder / "postgres")
    urls = {name: postgres.url(name) for name in DATABASES}
    made = variables(folder, known.get("PORT") or "8080", urls)
    chosen = {name: value for name, value in known.items() if value}
    return Surroundings({**made, **chosen}, folder, (folder / "rabbitmq").is_dir())


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
