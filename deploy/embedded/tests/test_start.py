"""What keeps `make up` from starting is one sentence that names the variable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.defaults import DATABASES, STRIPE, completed
from embedded.folders import FolderUnusable, data_folder
from embedded.settings import FrontSettings
from shared.settings import MissingSettings, load

URLS = {name: f"postgresql+asyncpg://nobody@127.0.0.1:1/{name}" for name in DATABASES}


def test_a_folder_that_cannot_be_made_ends_the_start_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    environment = {**os.environ, "DATA_DIR": str(tmp_path / "taken" / "data")}

    done = subprocess.run(
        [sys.executable, "-m", "embedded"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"cannot start: DATA_DIR: nothing can be kept in {tmp_path}/")
    assert done.stderr.count("\n") == 1


def test_the_data_folder_is_made(tmp_path: Path) -> None:
    folder = data_folder({"DATA_DIR": str(tmp_path / "new" / "data")})

    assert not list(folder.iterdir())


@pytest.mark.parametrize("place", ["/proc/x", "/dev/null"])
def test_a_folder_where_nothing_can_be_kept_is_named(place: str) -> None:
    with pytest.raises(FolderUnusable, match=f"DATA_DIR: nothing can be kept in {place}: "):
        data_folder({"DATA_DIR": place})


@pytest.mark.parametrize(
    ("name", "value"), [("EMULATOR_WEBHOOK_URL", "notaurl"), ("GATEWAY_RATE_FACTOR", "-1")]
)
def test_a_wrong_setting_of_the_front_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(MissingSettings, match=f"  {name}: "):
        load(FrontSettings)


def test_what_is_set_goes_before_all_defaults(tmp_path: Path) -> None:
    given = {"PORT": "1234", "LOG_LEVEL": "ERROR", "HOST": "", "BUS_URL": "amqp://x"}

    values = completed(given, tmp_path, URLS, {"LOG_LEVEL": "INFO", "LOG_FORMAT": "json"})

    assert values["SITE_URL"] == "http://127.0.0.1:1234"
    assert (values["LOG_LEVEL"], values["LOG_FORMAT"]) == ("ERROR", "json")
    assert (values["HOST"], values["BUS_URL"]) == ("127.0.0.1", "amqp://x")
    assert values["BILLING_STRIPE_API_BASE"] == "http://127.0.0.1:1234/emulator/stripe"


def test_the_key_of_an_account_at_stripe_is_used_there(tmp_path: Path) -> None:
    values = completed({"STRIPE_SECRET_KEY": "sk_test_51Habc"}, tmp_path, URLS)

    assert values["BILLING_STRIPE_API_BASE"] == STRIPE
