"""Chromium, as this machine has it; on Debian as root it is installed where it is missing."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "there is no Chromium: install it (Debian: apt-get install chromium), or run as root"
# A browser that nobody uses: no sandbox (tests may run as root), and nothing sent to anybody.
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
]


class ChromiumMissing(RuntimeError):
    """There is no Chromium, and we may not install one."""


def find_chromium() -> str:
    """Return Chromium's path, installed first where that is missing and allowed; raise ChromiumMissing."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ChromiumMissing(MISSING)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium"],
    ):
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return find_chromium()


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
