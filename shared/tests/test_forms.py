"""A setting that the product could not use ends the start, and the text names its variable."""

from typing import Annotated

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.run import open_bus
from shared.settings import CommonSettings, MissingSettings, ProcessSettings, load

WELL = {
    "SITE_URL": "https://shop.example",
    "JWKS_URL": "https://shop.example/.well-known/jwks.json",
    "ADMIN_API_KEY": "a key that must not be shown",
    "SHOP_DATABASE_URL": "postgresql+asyncpg://shop:hunter2@db.example/shop",
    "BUS_URL": "postgresql://shop@db.example/bus",
    "HOST": "127.0.0.1",
    "PORT": "8080",
}


class ShopSettings(CommonSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_")

    shelves: dict[str, int] = Field(default_factory=dict)
    doors: Annotated[list[str], Field(validation_alias="SHOP_ENTRANCES")] = []


@pytest.fixture
def told(monkeypatch):
    """What the start says of the well-formed settings with some changed."""
    for name in (*WELL, "SHOP_SHELVES", "SHOP_ENTRANCES", "TRUSTED_PROXIES"):
        monkeypatch.delenv(name, raising=False)

    def loaded(kind, **changed):
        for name, value in {**WELL, **changed}.items():
            monkeypatch.setenv(name, value)
        try:
            load(kind)
        except MissingSettings as stop:
            return str(stop)
        return ""

    return loaded


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SITE_URL", "notaurl", "an origin like https://example.com"),
        ("SITE_URL", "ftp://shop.example", "an origin"),
        ("SITE_URL", "https://shop.example/shop", "an origin"),
        ("SITE_URL", "https://shop.example:web", "an origin"),
        ("SITE_URL", "https://", "an origin"),
        ("JWKS_URL", "nowhere", "should match"),
        ("SHOP_DATABASE_URL", "mysql://shop:hunter2@db.example/shop", "postgresql+asyncpg://"),
        ("SHOP_DATABASE_URL", "postgresql://shop:hunter2@db.example", "postgresql+asyncpg://"),
        ("SHOP_DATABASE_URL", "hunter2", "postgresql+asyncpg://"),
        ("SHOP_SHELVES", "{bad", "must be JSON"),
        ("SHOP_ENTRANCES", "[bad", "must be JSON"),
    ],
)
def test_a_service_names_what_it_cannot_use(told, name, value, said):
    text = told(ShopSettings, **{name: value})

    assert f"  {name}: " in text
    assert said in text
    assert "hunter2" not in text
    assert "must not be shown" not in text


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HOST", "999.1.1.1", "an address of this machine"),
        ("HOST", "192.0.2.1", "an address of this machine"),
        ("HOST", "x" * 300, "an address of this machine"),
        ("TRUSTED_PROXIES", "foo", "addresses or networks"),
        ("TRUSTED_PROXIES", "127.0.0.1, foo", "addresses or networks"),
    ],
)
def test_a_process_names_what_it_cannot_use(told, name, value, said):
    text = told(ProcessSettings, **{name: value})

    assert f"  {name}: " in text
    assert said in text


@pytest.mark.parametrize(
    "changed",
    [
        {"SITE_URL": "http://127.0.0.1:8080/"},
        {"ADMIN_API_KEY": ""},
        {"SHOP_DATABASE_URL": "postgresql+asyncpg://shop@/shop?host=/run"},
        {"HOST": "0.0.0.0"},
        {"HOST": "localhost"},
        {"TRUSTED_PROXIES": "*"},
        {"TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8, ::1"},
    ],
)
def test_what_can_be_used_is_taken(told, changed):
    assert told(ShopSettings, **changed) == told(ProcessSettings, **changed) == ""


def test_a_bus_whose_url_is_none_is_named():
    with pytest.raises(SystemExit, match="BUS_URL: it is no URL like amqp://"):
        open_bus("amqp://a:b:c")
