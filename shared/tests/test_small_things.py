"""Ids, seals, settings, migrations: each one promise."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_settings import SettingsConfigDict
from sqlalchemy import text

from shared.clock import Ids
from shared.contracts.tasks import Terms
from shared.db import Database
from shared.ids import TaskId, UserId, public
from shared.migrate import NO_LIMITS, migrate
from shared.run import open_bus
from shared.sealing import CannotOpen, Seal
from shared.settings import CommonSettings, MissingSettings, load


class Fixed:
    def __init__(self, moment):
        self.moment = moment

    def now(self):
        return self.moment


def test_an_id_is_a_uuid_of_version_7_that_sorts_by_time():
    start = datetime(2026, 11, 21, tzinfo=UTC)
    ids = [Ids(Fixed(start + timedelta(milliseconds=n))).new() for n in range(50)]

    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert ids == sorted(ids)


def test_the_same_chance_makes_the_same_ids():
    clock = Fixed(datetime(2026, 11, 21, tzinfo=UTC))

    def chance(size):
        return bytes(range(size))

    assert Ids(clock, chance).new() == Ids(clock, chance).new()
    assert Ids(clock, chance).secret() == Ids(clock, chance).secret()


@given(st.uuids())
def test_a_public_id_survives_the_way_out_and_in(value):
    class Carrier(BaseModel):
        id: TaskId

    out = Carrier(id=value).model_dump_json()

    assert Carrier.model_validate_json(out).id == value
    assert public("task", value) in out


@given(st.text())
def test_no_other_text_is_an_id(value):
    adapter = TypeAdapter(UserId)
    if re.fullmatch(r"usr_[0-9a-fA-F]{32}", value):
        return
    with pytest.raises(ValidationError):
        adapter.validate_python(value)


def test_a_seal_opens_only_with_its_key():
    key = Fernet.generate_key().decode()
    sealed = Seal(key).seal("a token")

    assert Seal(key).open(sealed) == "a token"
    assert "a token" not in sealed
    for other, text_ in [(Fernet.generate_key().decode(), sealed), (key, sealed[:-5] + "AAAA=")]:
        with pytest.raises(CannotOpen):
            Seal(other).open(text_)


def test_a_malformed_sealing_key_is_named():
    with pytest.raises(ValueError, match="LINK_SEALING_KEY"):
        Seal("short")


@pytest.mark.parametrize(
    ("units", "cost"), [(None, 10), (0, 0), (1, 1), (3, 2), (19, 10), (10**9, 10)]
)
def test_what_units_cost(units, cost):
    assert Terms(expected=10, maximum=10, per_unit_milli=500).cost(units) == cost


def test_a_missing_setting_ends_the_start_and_is_named(monkeypatch):
    class ShopSettings(CommonSettings):
        model_config = SettingsConfigDict(env_prefix="SHOP_")

    for name in ("SITE_URL", "SHOP_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JWKS_URL", "http://test")
    monkeypatch.setenv("ADMIN_API_KEY", "a key that must not be shown")

    with pytest.raises(MissingSettings) as stop:
        load(ShopSettings)

    assert "SITE_URL" in str(stop.value)
    assert "SHOP_DATABASE_URL" in str(stop.value)
    assert "must not be shown" not in str(stop.value)


def test_an_unknown_bus_is_named():
    with pytest.raises(SystemExit, match="BUS_URL"):
        open_bus("carrier-pigeon://loft")


async def test_migrations_at_once_by_many_processes_are_done_once(postgres):
    url = await postgres.create_database()
    databases = [Database(url, source="auth") for _ in range(5)]

    await asyncio.gather(*(migrate(database.engine) for database in databases))

    async with databases[0].transaction() as tx:
        rows = await tx.execute(text("SELECT version_num FROM alembic_version_shared"))
        assert [row.version_num for row in rows] == ["0002"]
    for database in databases:
        await database.close()


async def test_a_migration_has_no_limits_of_time(postgres, monkeypatch):
    database = Database(await postgres.create_database(), source="auth")

    def asked(connection, *_):
        names = ("statement_timeout", "lock_timeout")
        return [connection.execute(text(f"SHOW {name}")).scalar() for name in names]

    seen = []
    monkeypatch.setattr("shared.migrate._upgrade", lambda *given: seen.extend(asked(*given)))

    await migrate(database.engine)

    assert seen == ["0", "0"]
    assert NO_LIMITS["command_timeout"] is None
    await database.close()
