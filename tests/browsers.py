"""The browser of tests: Chromium, installed first on Debian where we are root."""

import os
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no Chromium: install it (Debian: apt-get install chromium), or run as root"
# Nothing but what a test asks for: no request of its own goes out.
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip


def need_chromium() -> str:
    """Return Chromium's path; without one the test is skipped and says why, and fails where CI runs it."""
    found = _find() or _install()
    if found is None and os.getenv("CI") == "true":
        pytest.fail(MISSING)
    if found is None:
        pytest.skip(MISSING)
    return found


def _find() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _install() -> str | None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium"],
    ):
        subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL)
    return _find()
