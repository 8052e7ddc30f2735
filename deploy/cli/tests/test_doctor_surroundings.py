"""Where the doctor finds settings: the same that `make up` would make of the same environment."""

from pathlib import Path

import pytest

from embedded.defaults import STRIPE
from impacter.doctor import surroundings

NOWHERE = "postgresql+asyncpg://nobody:hunter2@127.0.0.1:1"


@pytest.fixture
def folder(values):
    """The data folder of a product that has run here."""
    folder = Path("data").absolute()
    (folder / "postgres").mkdir(parents=True)
    return folder


@pytest.mark.parametrize(("key", "is_stripe"), [("sk_test_51Habc", True), ("", False)])
@pytest.mark.usefixtures("folder")
def test_an_account_at_stripe_is_asked_at_stripe(monkeypatch, key, is_stripe):
    monkeypatch.setenv("STRIPE_SECRET_KEY", key)

    values = surroundings.find().variables

    assert (values["BILLING_STRIPE_API_BASE"] == STRIPE) is is_stripe


def test_what_is_set_goes_before_the_data_folder(folder, monkeypatch):
    url = f"{NOWHERE}/billing"
    monkeypatch.setenv("BILLING_DATABASE_URL", url)

    here = surroundings.find()

    assert here.folder == folder
    assert here.variables["BILLING_DATABASE_URL"] == url
    assert len(here.services) == 5
    assert here.rests("TASKS_DATABASE_URL")
    assert not here.rests("BILLING_DATABASE_URL")


@pytest.mark.usefixtures("folder")
def test_a_product_whose_engines_are_all_set_has_no_data_folder(monkeypatch):
    for name in surroundings.ENGINES:
        monkeypatch.setenv(name, NOWHERE)

    assert surroundings.find().folder is None


def test_a_bus_alone_is_no_product(values, monkeypatch):
    monkeypatch.setenv("BUS_URL", NOWHERE)

    assert surroundings.find() is None
