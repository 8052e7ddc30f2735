"""A private RabbitMQ on loopback with its own data, ports and epmd, for machines without Docker.

    rabbitmq = PrivateRabbitMQ(Path("data/rabbitmq"))
    await rabbitmq.start()
    connection = await aio_pika.connect(rabbitmq.url)

It runs the programs of an installed rabbitmq-server as the present user, root or not, and leaves
alone the service which the package may have brought along.
"""

import asyncio
import os
import secrets
import signal
from collections.abc import Mapping
from pathlib import Path

from distributed.rabbitmq_install import find_bin_dir
from embedded import children
from embedded.children import Child
from embedded.locks import FolderLock, lock_folder
from embedded.ports import free_ports

USER = "impacter"
NODE = "impacter@localhost"  # an epmd of its own lets every broker have the same name
SETTINGS = {"log.file.level": "warning", "log.file.rotation.size": "10000000"}
LOOPBACK = "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
NO_BUSY_WAITING = "+sbwt none +sbwtdcpu none +sbwtdio none"  # Erlang waits for work asleep
START_S_MAX = 120
STOP_S_MAX = 60
COMMAND_S_MAX = 60
POLL_S = 0.05
AMQP_0_9_1 = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = b"\x01"


class RabbitMQFailed(RuntimeError):
    """The broker did not start, or a command failed; its own words tell why."""


class PrivateRabbitMQ:
    """A broker whose durable messages survive its end, and which ends with who started it."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._folder = folder.absolute()
        self._settings = SETTINGS | dict(settings or {})
        self._amqp_port, self._node_port, self._epmd_port, self._command_port = free_ports(4)
        self._lock: FolderLock | None = None
        self._broker: Child | None = None
        self._epmd: Child | None = None

    @property
    def url(self) -> str:
        """Return the address of the broker; it stays the same when this object starts again."""
        return f"amqp://{USER}:{self._password()}@127.0.0.1:{self._amqp_port}/"

    @property
    def running(self) -> bool:
        return self._broker is not None and self._broker.running

    async def start(self) -> None:
        """Start the broker and return when it answers."""
        assert not self.running, "started already"
        try:
            await self._prepare()
            self._epmd = self._epmd or self._run(*self._epmd_command(), log="epmd.log")
            self._broker = self._run(find_bin_dir() / "rabbitmq-server", log="rabbitmq.out.log")
            await self._until_it_answers(self._broker)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Let the broker finish its work and end, and its epmd with it."""
        if self._broker is not None:
            await self._broker.stop(signal.SIGTERM, limit_s=STOP_S_MAX)
        if self._epmd is not None:
            self._epmd.kill()
        if self._lock is not None:
            self._lock.release()
        self._broker = self._epmd = self._lock = None

    def kill(self) -> None:
        """End the broker as a power cut would: now and without a word."""
        assert self._broker is not None, "not started"
        self._broker.kill()

    async def rabbitmqctl(self, *arguments: str) -> str:
        """Run a command of rabbitmqctl against this broker and return what it says."""
        command = await asyncio.create_subprocess_exec(
            find_bin_dir() / "rabbitmqctl",
            "--quiet",
            *arguments,
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(COMMAND_S_MAX):
                said, _ = await command.communicate()
        finally:
            if command.returncode is None:
                command.kill()
        if command.returncode != 0:
            raise RabbitMQFailed(f"rabbitmqctl {' '.join(arguments)}: {said.decode()}")
        return said.decode()

    async def _prepare(self) -> None:
        """Lock the folder and write down how the broker shall run."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = self._lock or await lock_folder(self._folder, limit_s=STOP_S_MAX)
        for name, lines in self._files().items():
            self._write(name, "".join(f"{line}\n" for line in lines))

    def _files(self) -> dict[str, list[str]]:
        places = {
            "listeners.tcp.1": f"127.0.0.1:{self._amqp_port}",
            "default_user": USER,
            "default_pass": self._password(),
        }
        return {
            "rabbitmq.conf": [f"{k} = {v}" for k, v in (self._settings | places).items()],
            "rabbitmq-env.conf": [],
            "enabled_plugins": ["[]."],
        }

    def _password(self) -> str:
        """Return the password, which the broker keeps from its first start on."""
        if not (self._folder / "password").exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write("password", secrets.token_hex())
        return (self._folder / "password").read_text()

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).touch(mode=0o600)
        (self._folder / name).write_text(text)

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": folder,  # the secret that nodes share lies here
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_LOGS": f"{folder}/rabbitmq.log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/rabbitmq-env.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_ALLOW_INPUT": "1",  # so that the script becomes the broker, whose id we know
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-noinput {LOOPBACK} {NO_BUSY_WAITING}",
            "RABBITMQ_CTL_ERL_ARGS": LOOPBACK,
            "RABBITMQ_CTL_DIST_PORT_MIN": str(self._command_port),
            "RABBITMQ_CTL_DIST_PORT_MAX": str(self._command_port + 10),
        }

    def _epmd_command(self) -> tuple[str, ...]:
        return "epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port)

    def _run(self, *command: str | Path, log: str) -> Child:
        assert self._lock is not None
        return children.start(
            command,
            cwd=self._folder,
            env=self._environment(),
            log=self._folder / log,
            death_signal=signal.SIGTERM,
            inherit=[self._lock.fileno],
        )

    async def _until_it_answers(self, broker: Child) -> None:
        async with asyncio.timeout(START_S_MAX):
            while not await self._answers():
                if not broker.running:
                    raise RabbitMQFailed(f"RabbitMQ did not start:\n{broker.last_words()}")
                await asyncio.sleep(POLL_S)

    async def _answers(self) -> bool:
        """Tell whether the broker greets a client, not only whether the port is open."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._amqp_port)
        except ConnectionRefusedError:
            return False
        writer.write(AMQP_0_9_1)
        try:
            return await reader.read(1) == METHOD_FRAME
        except ConnectionResetError:
            return False
        finally:
            writer.close()
