"""nginx in front of the services, from the template that every way to run the product shares."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from embedded import children

TEMPLATE = Path(__file__).parents[2] / "gateway" / "nginx.conf.template"
MISSING = "nginx is not installed: install it (Debian: apt-get install nginx-light), or run as root"


class NginxMissing(RuntimeError):
    """There is no nginx, and we may not install one."""


def find_nginx() -> str:
    """Return nginx's path, installed first where that is missing and allowed; raise NginxMissing."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found:
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NginxMissing(MISSING)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "nginx-light"],
    ):
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return find_nginx()


def start(folder: Path, names: Mapping[str, str]) -> children.Child:
    """Start nginx with the template filled in; it ends with this process."""
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "nginx.conf"
    known = {**names, "RUN_DIR": str(folder)}
    text = re.sub(r"\$\{(\w+)\}", lambda match: known[match[1]], TEMPLATE.read_text())
    if os.geteuid() == 0:
        text = "user root;\n" + text  # a worker of another user could not reach a private folder
    configuration.write_text(text)
    return children.start(
        [find_nginx(), "-p", folder, "-c", configuration, "-g", "daemon off;"],
        cwd=folder,
        env={"PATH": os.environ.get("PATH", "")},
        log=folder / "nginx.log",
        death_signal=signal.SIGTERM,
    )
