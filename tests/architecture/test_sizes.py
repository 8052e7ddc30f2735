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
        f"{short(file)}:{function.name}": own_lines(function)
        for file in FILES
        for function in functions(parsed(file))
    }

    assert {place: n for place, n in lengths.items() if n > FUNCTION_LINES_MAX} == {}


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def own_lines(function: Function) -> int:
    """The function's lines less those of the functions within, which are counted for themselves."""
    inner = [node for node in functions(function) if node is not function]
    return len(lines(function).difference(*map(lines, inner)))


def lines(function: Function) -> set[int]:
    assert function.end_lineno is not None
    return set(range(function.lineno, function.end_lineno + 1))
