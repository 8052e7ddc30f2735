"""A private PostgreSQL in a folder, started and ended by the process that needs it.

    postgres = EmbeddedPostgres(Path("data/postgres"))
    await postgres.start()
    await postgres.ensure_databases(["auth"])
    engine = create_async_engine(postgres.url("auth"))

Only the user who started it can connect, through a socket in the folder. PostgreSQL refuses to
run as root; root's server runs as the owner of the data, at first "nobody". Such a server may not
be able to walk the path to its folder (below a private /root for instance), so it is started
inside and knows the folder as its working directory.
"""

import asyncio
import os
import pwd
import re
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from embedded import children
from embedded.children import Child, Owner
from embedded.locks import FolderLock, lock_folder
from embedded.postgres_install import environment, find_bin_dir, runnable

SUPERUSER = "postgres"
ROLE = "impacter"  # no superuser: a hole in our SQL is not one in the machine
PORT = 5432
SETTINGS = {
    "cluster_name": "impacter",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",  # the details of an error repeat what is in the rows
}
INITDB_OPTIONS = (
    f"--username={SUPERUSER}",
    "--auth-local=trust",  # whoever reaches the socket is the one who started the server
    "--auth-host=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--data-checksums",
    "--no-instructions",
)
HERE = "/proc/self/cwd" if sys.platform == "linux" else "."
PID_FILE, STATUS_LINE = "postmaster.pid", 7
START_S_MAX = 120  # a server that recovers from a crash reads its log first
STOP_S_MAX = 30
POLL_S = 0.01
# What servers and drivers take for one path, and the bytes left for it in a socket's address.
PLAIN_PATH = re.compile(r"[\w/.-]{1,85}", re.ASCII)


class PostgresFailed(RuntimeError):
    """The server did not start; its own words tell why."""

    def __init__(self, folder: Path, words: str) -> None:
        super().__init__(f"PostgreSQL in {folder} did not start:\n{words}")


class EmbeddedPostgres:
    """A PostgreSQL whose data survives every end, and which ends with the process that started it.

    With a TCP port it also listens on 127.0.0.1, where a password made for this object is needed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        bin_dir: Path | None = None,
        tcp_port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._named_bin_dir = bin_dir
        self._tcp_port = tcp_port
        self._password = secrets.token_urlsafe()
        self._settings = SETTINGS | dict(settings or {})
        self._lock: FolderLock | None = None
        self._server: Child | None = None
        self._socket_link: Path | None = None

    @property
    def running(self) -> bool:
        return self._server is not None and self._server.running

    async def start(self) -> None:
        """Start the server, on the first time after making its data, and return when it answers."""
        assert not self.running, "started already"
        await self.stop()  # one that was killed leaves things behind
        try:
            self._lock = await self._lock_folder()
            self._owner = self._choose_owner()
            self._bin_dir = runnable(find_bin_dir(self._named_bin_dir), self._owner)
            if not self._data.exists():
                await self._create_data()
            self._create_socket_folder()
            self._server = self._run("postgres", "-D", HERE, *self._options(), cwd=self._data)
            self._lock.name(self._server.pid)
            await self._until_ready(self._server)
            await self._prepare_role()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the server in order: connections are closed, nothing committed is lost."""
        if self._server is not None:
            await self._server.stop(signal.SIGINT, limit_s=STOP_S_MAX)
        if self._socket_link is not None and self._socket_link.parent.exists():
            shutil.rmtree(self._socket_link.parent)
        if self._lock is not None:
            self._lock.release()
        self._server = self._lock = None

    def kill(self) -> None:
        """End the server as a power cut would: now and without a word."""
        assert self._server is not None, "not started"
        self._server.kill()

    def url(self, database: str) -> str:
        """Return the address of a database for SQLAlchemy; it stays the same when this object starts again."""
        url = self._socket_url(ROLE, database)
        if self._tcp_port:
            url = url.set(password=self._password, host="127.0.0.1", port=self._tcp_port, query={})
        return url.render_as_string(hide_password=False)

    async def ensure_databases(self, names: Iterable[str]) -> None:
        """Create those of the databases which do not exist yet."""
        async with self._superuser() as connection:
            there = set(await connection.scalars(text("SELECT datname FROM pg_database")))
            for name in names:
                if name not in there:
                    await connection.execute(text(f'CREATE DATABASE "{name}" OWNER {ROLE}'))

    async def _lock_folder(self) -> FolderLock:
        """Make sure that no other server works here, and forget one that died."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._folder.chmod(0o711)  # ours, and the server passes through to its own folders
        lock = await lock_folder(self._folder, limit_s=STOP_S_MAX)
        if self._pid_file()[0] in ("", str(lock.last_server)):
            # PostgreSQL would take any process which has this number now for a server.
            (self._data / PID_FILE).unlink(missing_ok=True)
        return lock

    def _choose_owner(self) -> Owner | None:
        if os.geteuid() != 0:
            return None
        if self._data.exists():
            return Owner(self._data.stat().st_uid, self._data.stat().st_gid)
        nobody = pwd.getpwnam("nobody")
        return Owner(nobody.pw_uid, nobody.pw_gid)

    async def _create_data(self) -> None:
        """Make the data under another name first, so that a crash leaves nothing half done."""
        unfinished = self._make_folder("data.unfinished")
        initdb = self._run("initdb", "-D", HERE, *INITDB_OPTIONS, cwd=unfinished)
        if await initdb.wait(limit_s=START_S_MAX) != 0:
            raise PostgresFailed(self._folder, initdb.last_words())
        unfinished.rename(self._data)
        _sync(self._folder)

    def _create_socket_folder(self) -> None:
        """Make the folder of the socket, and a short way to it when its path is long or odd."""
        folder = self._make_folder("run")
        if PLAIN_PATH.fullmatch(str(folder)):
            return
        if self._socket_link is None:
            self._socket_link = Path(tempfile.mkdtemp(prefix="impacter-")) / "run"
        else:
            self._socket_link.parent.mkdir(mode=0o700)  # the way that clients know
        self._socket_link.symlink_to(folder)

    def _socket_url(self, user: str, database: str) -> URL:
        host = str(self._socket_link or self._folder / "run")
        query = {"host": host, "port": str(self._tcp_port or PORT)}
        return URL.create("postgresql+asyncpg", username=user, database=database, query=query)

    def _make_folder(self, name: str) -> Path:
        """Make an empty folder which is the server's alone."""
        folder = self._folder / name
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
        if self._owner:
            os.chown(folder, self._owner.uid, self._owner.gid)
        return folder

    def _options(self) -> list[str]:
        places = {
            "port": str(self._tcp_port or PORT),
            "listen_addresses": "127.0.0.1" if self._tcp_port else "",
            "unix_socket_directories": "../run",
        }
        return [f"--{name}={value}" for name, value in (self._settings | places).items()]

    def _run(self, program: str, *arguments: str, cwd: Path) -> Child:
        assert self._lock is not None
        return children.start(
            [self._bin_dir / program, *arguments],
            cwd=cwd,
            env=environment(self._bin_dir),
            log=self._folder / "postgres.log",
            death_signal=signal.SIGINT,
            owner=self._owner,
            inherit=[self._lock.fileno],
        )

    async def _until_ready(self, server: Child) -> None:
        async with asyncio.timeout(START_S_MAX):
            while self._pid_file()[0::STATUS_LINE] != [str(server.pid), "ready"]:
                if not server.running:
                    raise PostgresFailed(self._folder, server.last_words())
                await asyncio.sleep(POLL_S)

    def _pid_file(self) -> list[str]:
        """Return what the server says about itself, the last one if it had no time to clean up."""
        try:
            lines = (self._data / PID_FILE).read_text().split("\n")
        except FileNotFoundError:
            return [""]
        return [line.strip() for line in lines]

    async def _prepare_role(self) -> None:
        """Let our services connect as a role of their own."""
        async with self._superuser() as connection:
            roles = set(await connection.scalars(text("SELECT rolname FROM pg_roles")))
            if ROLE not in roles:
                await connection.execute(text(f"CREATE ROLE {ROLE} LOGIN CREATEDB"))
            if self._tcp_port:
                password = text(f"ALTER ROLE {ROLE} PASSWORD '{self._password}'")
                await connection.execute(password)

    @asynccontextmanager
    async def _superuser(self) -> AsyncIterator[AsyncConnection]:
        url = self._socket_url(SUPERUSER, "postgres")
        engine = create_async_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        async with engine.connect() as connection:
            yield connection


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk before anything is built on them."""
    directory = os.open(folder, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
