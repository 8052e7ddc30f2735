"""The HTTP API of the whole product as the document that `web/` makes its types from, committed and held fresh.

python -m embedded.openapi            write it
python -m embedded.openapi --check    change nothing; fail if it is stale
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from embedded.defaults import DATABASES, variables
from embedded.product import BUILDERS
from shared.bus_memory import MemoryBus
from shared.run import build_app

FILE = Path(__file__).parents[3] / "web" / "openapi.json"


def document() -> dict[str, Any]:
    """Return the document as one process serves it; no setting changes it, and no server is asked."""
    urls = {name: f"postgresql+asyncpg://nobody@localhost/{name}" for name in DATABASES}
    with TemporaryDirectory() as folder:
        os.environ.update(variables(Path(folder), "8080", urls))
        return build_app([build() for build in BUILDERS], MemoryBus()).openapi()


def main(arguments: Sequence[str] | None = None, *, file: Path = FILE) -> None:
    """Write the document, or with `--check` fail where it is stale."""
    parser = argparse.ArgumentParser(prog="python -m embedded.openapi")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if it is stale")
    is_check = parser.parse_args(arguments).check
    text = json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
    if not is_check:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    elif not file.exists() or file.read_text() != text:
        sys.exit(f"stale, run python -m embedded.openapi: {file.name}")


if __name__ == "__main__":
    main()
