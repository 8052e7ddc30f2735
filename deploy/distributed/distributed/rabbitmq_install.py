"""Where RabbitMQ is, and how it gets onto a Debian machine without its service running there."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The package's commands on PATH switch to the user rabbitmq; those in here do not.
DEBIAN_BIN = Path("/usr/lib/rabbitmq/bin")
POLICY = Path("/usr/sbin/policy-rc.d")
SERVICES = ("rabbitmq-server.service", "epmd.service", "epmd.socket")
APT_GET = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=300")
INSTALL = ("install", "-y", "--no-install-recommends", "rabbitmq-server")


class RabbitMQMissing(RuntimeError):
    """RabbitMQ is not installed: run "apt-get install rabbitmq-server" as root."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def install_if_missing() -> None:
    """Install Debian's rabbitmq-server without starting its service, unless one is there."""
    if _installed() is not None:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise RabbitMQMissing
    with _no_service_starts():
        if _apt_get(*INSTALL) != 0:  # perhaps only for want of fresh lists
            _apt_get("update")
            _apt_get(*INSTALL)
    find_bin_dir()
    if shutil.which("systemctl"):  # nor shall it start with the machine
        subprocess.run(["systemctl", "disable", "--quiet", *SERVICES], check=False)  # noqa: S603, S607


def find_bin_dir() -> Path:
    """Return the folder of RabbitMQ's own commands."""
    bin_dir = _installed()
    if bin_dir is None:
        raise RabbitMQMissing
    return bin_dir


def _installed() -> Path | None:
    on_path = shutil.which("rabbitmq-server")
    places = [DEBIAN_BIN, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((place for place in places if (place / "rabbitmq-server").exists()), None)


def _apt_get(*arguments: str) -> int:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run([*APT_GET, *arguments], env=env, check=False).returncode  # noqa: S603


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Let packages start no service meanwhile, which is what Debian's policy-rc.d is for."""
    if POLICY.exists():  # the machine has a policy of its own
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
