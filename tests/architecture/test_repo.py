"""What is committed belongs to nobody's machine and to no registry."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.places import ROOT, short

# The lookbehind lets longer paths pass: `/var/root/`, `https://example.com/home/ada`. `node` lives in an image.
HOME = re.compile(
    r"(?<![\w.~/-])/(?:root/|home/(?!node/)[\w.-]+/|Users/[\w.-]+/|work/[\w.-]+)",
)
REGISTRY = re.compile(
    r"""
    (?:pypi|npmjs|pythonhosted|yarnpkg|goproxy)\.(?:org|com|io)  # the public ones
    | proxy\.golang\.org
    | (?:extra[-_])?index[-_]url\b\W+https?:                     # pip's and uv's settings
    | ^\s*(?:@[\w-]+:)?registry\W+https?:                        # npm's
    | https?://[^\s"']*/(?:simple|artifactory|nexus)/             # how mirrors are laid out
    """,
    re.VERBOSE | re.MULTILINE,
)


@cache
def committed() -> list[Path]:
    """The files that are, or will be, in a commit."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as reason:
        pytest.skip(f"git cannot say: {reason}")
    names = [name for name in done.stdout.decode().split("\0") if name]
    return [ROOT / name for name in sorted(set(names)) if (ROOT / name).is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    for file in committed():
        try:
            yield file, file.read_text()
        except UnicodeDecodeError:
            continue  # pictures and fonts


def places(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{short(file)}:{text.count(chr(10), 0, found.start()) + 1}: {found.group()!r}"
        for file, text in texts()
        for found in pattern.finditer(text)
    ]


def test_no_file_names_a_folder_of_somebody():
    assert places(HOME) == []


def test_no_file_names_a_registry():
    assert places(REGISTRY) == []


def test_lock_files_that_name_registries_are_not_committed():
    assert [short(file) for file in committed() if file.name in ("uv.lock", "poetry.lock")] == []


def test_no_package_lock_says_where_its_packages_were_found():
    locks = [(file, text) for file, text in texts() if file.name == "package-lock.json"]

    assert [short(file) for file, text in locks if '"resolved"' in text] == []


def test_no_secret_file_is_committed():
    secret = re.compile(r"\.env|secrets\.env|.*\.pem|id_(rsa|ed25519)")

    assert [short(file) for file in committed() if secret.fullmatch(file.name)] == []


@pytest.mark.parametrize(
    ("words", "is_bad"),
    [
        (("see /", "root/project"), True),
        (('"/', 'home/ada/project"'), True),
        (("file:///var/lib", "/home/ada"), False),
        (("GET /api/wo", "rk/items"), False),
    ],
)
def test_a_folder_of_somebody_is_told_from_other_paths(words: tuple[str, str], is_bad: bool):
    assert bool(HOME.search("".join(words))) is is_bad


@pytest.mark.parametrize(
    ("words", "is_bad"),
    [
        (("index-", "url = https://mirror.example/x"), True),
        (("regi", "stry=https://mirror.example/npm/"), True),
        (("https://mirror.example/", "simple/"), True),
        (("files.python", "hosted.org"), True),
        (("a simple", " registry of handlers"), False),
        (("https://example.com/", "simple"), False),
    ],
)
def test_a_registry_is_told_from_other_words(words: tuple[str, str], is_bad: bool):
    assert bool(REGISTRY.search("".join(words))) is is_bad
