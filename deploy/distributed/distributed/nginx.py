"""nginx in front of the services, with the configuration that every way to run the product shares."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from distributed.settings import NginxSettings
from embedded import children

START = Path(__file__).parents[2] / "gateway" / "start"
IDLE_MAX = 16
IDLE_S_MAX = 4  # a second less than uvicorn keeps a connection: a request must not meet its end
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
    folder: Path,
    address: str,
    upstreams: Mapping[str, str],
    routes: Mapping[str, str],
    settings: NginxSettings,
) -> children.Child:
    """Start nginx on this address before these upstreams, with more routes to them; it ends with this process."""
    (folder / "routes.d").mkdir(parents=True, exist_ok=True)
    more = [f"location {path} {{ proxy_pass http://${name}; }}\n" for path, name in routes.items()]
    (folder / "routes.d" / "more.conf").write_text("".join(more))
    pools = "".join(_pool(name, place) for name, place in upstreams.items())
    (folder / "upstreams.conf").write_text(pools)
    path = f"{Path(find_nginx()).parent}:{os.environ.get('PATH', '')}"
    return children.start(
        ["sh", START, folder],
        cwd=folder,
        env={"PATH": path, "GATEWAY_LISTEN": address, **settings.variables()},
        log=folder / "nginx.log",
        death_signal=signal.SIGTERM,
    )


def _pool(name: str, place: str) -> str:
    """Keep connections to one place, and let its name's variable stand for it."""
    idle = f"keepalive {IDLE_MAX}; keepalive_timeout {IDLE_S_MAX}s;"
    pool = f"upstream {name} {{ server {place}; {idle} }}\n"
    return pool + f"map $host ${name} {{ default {name}; }}\n"
