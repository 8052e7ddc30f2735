"""A database that does not let its service in is named before anything else is begun."""

import pytest
from sqlalchemy.engine import make_url

from shared.db import Database
from shared.reach import reach
from shared.service import Service


def service(name, url):
    return Service(name, Database(url, source=name), None)


async def test_databases_that_answer_are_no_matter(database_url):
    shop = service("shop", database_url)

    await reach([shop])
    await shop.database.close()


async def test_every_database_that_is_away_is_named_by_its_variable(database_url):
    nowhere = "postgresql+asyncpg://nobody:hunter2@127.0.0.1:1/shop"
    services = [service("front-desk", nowhere), service("shop", nowhere)]

    with pytest.raises(SystemExit) as stop:
        await reach([*services, service("well", database_url)])

    desk, shop = str(stop.value).splitlines()
    assert desk.startswith("FRONT_DESK_DATABASE_URL: no database is to be had at 127.0.0.1:1/shop:")
    assert shop.startswith("SHOP_DATABASE_URL: ")
    assert "hunter2" not in str(stop.value)


async def test_a_database_that_is_not_there_is_told_with_the_servers_words(database_url):
    url = make_url(database_url).set(database="nothing").render_as_string(hide_password=False)

    with pytest.raises(SystemExit, match=r'SHOP_DATABASE_URL: .*"nothing" does not exist'):
        await reach([service("shop", url)])
