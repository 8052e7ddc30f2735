"""The product in containers of a project of its own, which is built before and removed afterwards."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from embedded.ports import free_ports
from shared.testing import eventually
from tests.flows.product import ADMIN_KEY, REPOSITORY, Product
from tests.stripe_events import WEBHOOK_SECRET

VARIABLES = {
    "ADMIN_API_KEY": ADMIN_KEY,
    "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "AUTH_BCRYPT_COST": "4",
    "AGENT_RUNNER_RUN_S_MAX": "20",
    "AGENT_RUNNER_LEASE_S": "3",
    "AGENT_RUNNER_RETRY_S": "0",
    "GATEWAY_RATE_FACTOR": "0",
}
# What the shell that runs the tests may say of the engine, and nothing else that Compose would take for a setting.
OF_THE_ENGINE = (
    "PATH",
    "HOME",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_CERT_PATH",
)
KILL_THE_FIRST = "kill -9 $(cat /proc/1/task/1/children)"


class EngineMissing(RuntimeError):
    """There is no container engine, or none with Compose."""


@dataclass
class ComposedProduct(Product):
    """The product behind the gateway's container; its mails are those that the developers' mail server shows."""

    project: str = ""

    def mails(self, address: str) -> list[EmailMessage]:
        """Return the mails that reached an address, oldest first."""
        shown = httpx2.get(f"{self.origin}/dev/mailbox.json", trust_env=False, timeout=30)
        received = [mail for mail in reversed(shown.json()) if address in mail["to"]]
        return [_mail(each) for each in received]

    def log(self) -> str:
        """Return what the containers have said."""
        command = ["docker", "compose", "-p", self.project, "logs", "--no-color", "--no-log-prefix"]
        environment = dict(_of_the_engine())
        done = subprocess.run(
            command, cwd=self.folder, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout


def _mail(shown: Mapping[str, Any]) -> EmailMessage:
    mail = EmailMessage()
    mail["To"], mail["Subject"] = shown["to"], shown["subject"]
    mail.set_content(shown["text"])
    return mail


@dataclass
class Stack:
    """The containers of one project."""

    project: str
    variables: dict[str, str]
    product: ComposedProduct

    async def is_down(self) -> bool:
        """Take everything down; the engine may say of a network that it is still in use, a moment after it was."""
        code, _ = await self.try_compose("down", "--volumes", "--remove-orphans", "--timeout", "20")
        return code == 0

    async def compose(self, *arguments: str) -> str:
        """Run `docker compose` on the project and return what it printed; raise AssertionError if it fails."""
        code, said = await self.try_compose(*arguments)
        assert code == 0, said
        return said

    async def try_compose(self, *arguments: str) -> tuple[int, str]:
        """Run `docker compose` on the project; return its exit code and what it printed."""
        return await _run(self.variables, "docker", "compose", "-p", self.project, *arguments)

    async def inside(self, service: str, script: str) -> tuple[int, str]:
        """Run a shell script in a service's container."""
        return await self.try_compose("exec", "-T", service, "bash", "-c", script)

    async def states(self) -> list[dict[str, Any]]:
        """Return what the engine says of every container."""
        ids = (await self.compose("ps", "-a", "-q")).split()
        code, said = await _run(self.variables, "docker", "inspect", *ids)
        assert code == 0, said
        states: list[dict[str, Any]] = json.loads(said)
        return states

    async def crash(self, service: str) -> None:
        """End a container's process as the machine's memory killer does; the engine is to start it again."""
        await self.inside(service, KILL_THE_FIRST)


@asynccontextmanager
async def running_stack(folder: Path) -> AsyncIterator[Stack]:
    """Build and start all containers; remove them, their networks and their volumes at the end."""
    await need_engine()
    origin, variables = await _settings(folder)
    async with httpx2.AsyncClient(base_url=origin, timeout=30, trust_env=False) as http:
        project = f"impacter-test-{uuid4().hex[:8]}"
        product = ComposedProduct(origin, folder, None, http, project=project)  # type: ignore[arg-type]
        stack = Stack(project, variables, product)
        try:
            await stack.compose("build")
            await stack.compose("up", "-d", "--wait")
            await product.ready()
            yield stack
        finally:
            (folder / "containers.log").write_text(product.log())
            await eventually(stack.is_down, what="the stack to be down")


async def need_engine() -> None:
    """Go on only with an engine and Compose; with CI=true their lack is a failure."""
    try:
        await _find_engine()
    except EngineMissing as reason:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(reason))


async def _find_engine() -> None:
    if shutil.which("docker") is None:
        raise EngineMissing("docker is not installed")
    for command in (["info", "--format", "{{.ServerVersion}}"], ["compose", "version"]):
        code, said = await _run({}, "docker", *command)
        if code:
            raise EngineMissing(f"docker {command[0]} fails: {said.strip()}")


async def _settings(folder: Path) -> tuple[str, dict[str, str]]:
    """Make an .env of this run's own; return the origin, and the environment of Compose."""
    file = folder / "compose.env"
    code, said = await _run({"DATA_DIR": str(folder)}, "sh", "deploy/env.sh", str(file))
    assert code == 0, said
    made = dict(line.split("=", 1) for line in file.read_text().splitlines())
    port = str(free_ports(1)[0])
    return f"http://127.0.0.1:{port}", {**made, **VARIABLES, "PORT": port}


async def _run(variables: Mapping[str, str], *command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=REPOSITORY,
        env={**dict(_of_the_engine()), "COMPOSE_PROGRESS": "plain", **variables},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode(errors="replace")


def _of_the_engine() -> Iterator[tuple[str, str]]:
    for name in OF_THE_ENGINE:
        if name in os.environ:
            yield name, os.environ[name]
