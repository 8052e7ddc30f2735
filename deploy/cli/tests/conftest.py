"""The command line against a gateway that is really served, in an empty folder and environment."""

import json
from typing import Any

import pytest
from cli_gateway import ADMIN_KEY, Gateway
from cli_server import serving
from typer.testing import CliRunner, Result

from embedded.defaults import DATABASES, variables
from impacter.main import app

NOWHERE = "postgresql+asyncpg://nobody:hunter2@127.0.0.1:1"
VARIABLES = ["PORT", "DATA_DIR", "COLUMNS", "NO_COLOR", "FORCE_COLOR"]


class Impacter:
    """Runs `impacter admin …` and refuses to be shown a traceback or the key."""

    def __init__(self) -> None:
        self._runner = CliRunner()

    def __call__(self, *arguments: str, exit_code: int = 0, stdin: str = "") -> Result:
        result = self._runner.invoke(app, ["admin", *arguments], input=stdin)
        assert result.exit_code == exit_code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert ADMIN_KEY not in result.output
        return result

    def json(self, *arguments: str, exit_code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", exit_code=exit_code).stdout)


@pytest.fixture(scope="session")
def served():
    with serving(Gateway()) as gateway:
        yield gateway


@pytest.fixture
def gateway(served, monkeypatch, tmp_path):
    served.forget()
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SITE_URL", served.origin)
    monkeypatch.setenv("ADMIN_API_KEY", ADMIN_KEY)
    return served


@pytest.fixture
def impacter(gateway):
    return Impacter()


@pytest.fixture
def values(gateway, monkeypatch, tmp_path):
    """The settings of a product in an empty folder, none of them in the environment."""
    urls = {name: f"{NOWHERE}/{name}" for name in DATABASES}
    made = variables(tmp_path, "8080", urls)
    for name in (*made, "OPENCLAW_URL"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture
def doctor(gateway, values):
    """Runs `impacter doctor`; what it prints holds no secret."""

    def run(*arguments, exit_code=1):
        result = CliRunner().invoke(app, ["doctor", "--url", gateway.origin, *arguments])
        assert result.exit_code == exit_code, result.output
        for secret in (
            "hunter2",
            ADMIN_KEY,
            values["STRIPE_SECRET_KEY"],
            values["LINK_SEALING_KEY"],
        ):
            assert secret not in result.output
        return result.stdout

    return run
