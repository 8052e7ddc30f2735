"""One list of variables: what is read is documented, and what must be set is set by the embedded product."""

import re

from tests.architecture import composed
from tests.architecture.places import ROOT
from tests.architecture.variables import known, read_by_entry_points, required

LINE = re.compile(r"^#? ?([A-Z][A-Z0-9_]*)=", re.MULTILINE)


def documented() -> list[str]:
    return LINE.findall((ROOT / ".env.example").read_text())


def test_every_variable_that_is_read_is_in_the_example():
    undocumented = sorted(
        (known() | read_by_entry_points() | composed.mentioned()) - set(documented())
    )

    assert not undocumented, undocumented


def test_nothing_else_is_in_the_example_and_nothing_twice():
    unread = sorted(set(documented()) - (known() | read_by_entry_points() | composed.mentioned()))

    assert not unread, unread
    assert sorted(documented()) == sorted(set(documented()))


def test_the_embedded_product_sets_every_variable_that_must_be_set(
    embedded_variables: dict[str, str],
):
    unset = sorted(required() - set(embedded_variables))

    assert not unset, unset


def test_the_embedded_product_sets_no_variable_that_nobody_reads(
    embedded_variables: dict[str, str],
):
    unread = sorted(set(embedded_variables) - known())

    assert not unread, unread
