"""Every command that a document names is there."""

import re
from pathlib import Path

import pytest
import typer.main

from impacter.main import app

ROOT = Path(__file__).parents[3]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "deploy/cli/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "services").glob("*/README.md")),
]
NAMED = re.compile(r"\bimpacter((?: [a-z][a-z-]+)+)")


def unknown(words):
    """Return the first word that is no command of its group, if there is one."""
    group = typer.main.get_command(app)
    for word in words:
        if not hasattr(group, "commands"):
            return None
        if word not in group.commands:
            return word
        group = group.commands[word]
    return None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_named_is_there(document):
    named = {tuple(words.split()) for words in NAMED.findall(document.read_text())}

    wrong = sorted(" ".join(words) for words in named if unknown(words))

    assert not wrong
