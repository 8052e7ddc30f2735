"""Prometheus' own tool for its rules: from PATH, else taken out of Debian's package, which is not installed."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.servers import needed

FOLDER = Path(__file__).parents[1] / ".tools/prometheus"


class PromtoolMissing(RuntimeError):
    """promtool is not there: run "apt-get install prometheus" as root."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def need_promtool() -> Path:
    """Return the tool; the test is skipped where it cannot be had, and fails with CI=true."""
    with needed(PromtoolMissing):
        return _promtool()


def _promtool() -> Path:
    if on_path := shutil.which("promtool"):
        return Path(on_path)
    tool = FOLDER / "usr/bin/promtool"
    if not tool.exists():
        _fetch()
    if not tool.exists():
        raise PromtoolMissing
    return tool


def _fetch() -> None:
    """Unpack Debian's package into a folder of ours, where the machine allows it."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        if not _download(folder):  # perhaps only for want of fresh lists
            subprocess.run(["apt-get", "-q", "update"], check=False)
            _download(folder)
        for package in Path(folder).glob("*.deb"):
            FOLDER.mkdir(parents=True, exist_ok=True)
            subprocess.run(["dpkg-deb", "-x", package, FOLDER], check=True)


def _download(folder: str) -> bool:
    download = ["apt-get", "-q", "download", "prometheus"]
    return subprocess.run(download, cwd=folder, check=False).returncode == 0
