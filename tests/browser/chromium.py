"""Chromium, as this machine has it; on Debian as root it is installed where it is missing."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

# Debian's packages and programs: the first is the browser without windows of its own, at a third of the cost.
PACKAGES = ("chromium-headless-shell", "chromium")
NAMES = (*PACKAGES, "chromium-browser", "google-chrome")
MISSING = (
    f"there is no Chromium: install it (Debian: apt-get install {PACKAGES[0]}), or run as root"
)
# A browser that nobody uses: no sandbox (tests may run as root), and nothing sent to anybody.
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
]


class ChromiumMissing(RuntimeError):
    """There is no Chromium, and we may not install one."""


def find_chromium() -> str:
    """Return Chromium's path, installed first where that is missing and allowed; raise ChromiumMissing."""
    found = _found() or _installed()
    if found is None:
        raise ChromiumMissing(MISSING)
    return found


def _found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _installed() -> str | None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    _apt_get("update")
    return next(
        (path for name in PACKAGES if _apt_get("install", name) and (path := _found())), None
    )


def _apt_get(verb: str, *names: str) -> bool:
    command = ["apt-get", verb, "-qq", "-y", "--no-install-recommends", *names]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL)
    return done.returncode == 0


def need_chromium() -> str:
    """Go on only with Chromium; with CI=true its lack is a failure."""
    try:
        return find_chromium()
    except ChromiumMissing as reason:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(reason))


@asynccontextmanager
async def running_chromium(path: str) -> AsyncIterator[Browser]:
    """Run a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()
