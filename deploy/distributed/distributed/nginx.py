"""nginx in front of the services, with the configuration that every way to run the product shares."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from embedded import children

CONFIGURATION = Path(__file__).parents[2] / "gateway" / "nginx.conf"
IDLE_MAX = 16
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


def start(
    folder: Path, address: str, upstreams: Mapping[str, str], routes: Mapping[str, str]
) -> children.Child:
    """Start nginx on this address before these upstreams, with more routes to them; it ends with this process."""
    folder.mkdir(parents=True, exist_ok=True)
    text = CONFIGURATION.read_text()
    if os.geteuid() == 0:
        text = "user root;\n" + text  # a worker of another user could not reach a private folder
    (folder / "nginx.conf").write_text(text)
    (folder / "listen.conf").write_text(f"listen {address};\n")
    (folder / "routes.d").mkdir(exist_ok=True)
    more = [f"location {path} {{ proxy_pass http://${name}; }}\n" for path, name in routes.items()]
    (folder / "routes.d" / "more.conf").write_text("".join(more))
    pools = "".join(_pool(name, place) for name, place in upstreams.items())
    (folder / "upstreams.conf").write_text(pools)
    return children.start(
        [find_nginx(), "-p", folder, "-c", folder / "nginx.conf", "-g", "daemon off;"],
        cwd=folder,
        env={"PATH": os.environ.get("PATH", "")},
        log=folder / "nginx.log",
        death_signal=signal.SIGTERM,
    )


def _pool(name: str, place: str) -> str:
    """Keep connections to one place, and let its name's variable stand for it."""
    pool = f"upstream {name} {{ server {place}; keepalive {IDLE_MAX}; }}\n"
    return pool + f"map $host ${name} {{ default {name}; }}\n"
