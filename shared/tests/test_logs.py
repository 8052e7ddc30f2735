"""What is logged for people has colours where a person watches, and none in a file."""

import os
import pty
import subprocess
import sys

import pytest

SCRIPT = """
import structlog
from shared import logs

logs.configure(level="WARNING", is_json=False)
structlog.get_logger().warning("planted", number=1)
"""


@pytest.mark.parametrize("is_watched", [True, False])
def test_colours_are_for_terminals(is_watched, tmp_path):
    watched, terminal = pty.openpty()
    file = tmp_path / "log"

    with file.open("wb") as plain:
        subprocess.run(
            [sys.executable, "-c", SCRIPT], stderr=terminal if is_watched else plain, check=True
        )

    os.close(terminal)
    said = os.read(watched, 10_000) if is_watched else file.read_bytes()
    os.close(watched)
    assert b"planted" in said
    assert (b"\x1b[" in said) is is_watched
