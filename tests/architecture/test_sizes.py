"""No file and no function outgrows its reader."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.places import ROOT, SOURCES, parsed, python_files, short

FILE_LINES_MAX = 400
TEST_FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 50

FILES = list(python_files(*(ROOT / folder for folder in SOURCES)))


def test_no_file_is_too_long():
    lengths = {file: len(file.read_text().splitlines()) for file in FILES}

    assert {short(file): n for file, n in lengths.items() if n > longest(file)} == {}


def longest(file: Path) -> int:
    return TEST_FILE_LINES_MAX if "tests" in file.relative_to(ROOT).parts else FILE_LINES_MAX


def test_no_function_is_too_long():
    lengths = {
        f"{short(file)}:{function.name}": (function.end_lineno or 0) - function.lineno + 1
        for file in FILES
        for function in functions(parsed(file))
    }

    assert {place: n for place, n in lengths.items() if n > FUNCTION_LINES_MAX} == {}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
