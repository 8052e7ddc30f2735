"""The committed document of the HTTP API is what the product serves: the pages' types are made from it."""

import json
import os

import pytest

from embedded import openapi
from tests.architecture.places import ROOT


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """The variables which the services are built from are gone afterwards."""
    monkeypatch.setattr(os, "environ", dict(os.environ))


def test_the_committed_document_is_fresh():
    openapi.main(["--check"])


def test_a_stale_document_is_named(tmp_path):
    stale = tmp_path / "openapi.json"
    stale.write_text("{}")

    with pytest.raises(SystemExit, match=r"openapi\.json"):
        openapi.main(["--check"], file=stale)
    assert stale.read_text() == "{}"


def test_a_document_is_written_where_there_is_none(tmp_path):
    file = tmp_path / "web" / "openapi.json"

    openapi.main([], file=file)

    assert json.loads(file.read_text()) == json.loads((ROOT / "web" / "openapi.json").read_text())
