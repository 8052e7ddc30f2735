"""The bench of the pages runs: one round, with a short history."""

import pytest

from benchmarks.pages import LINES, measure
from tests.browser.chromium import need_chromium


@pytest.mark.system
@pytest.mark.timeout(300)
async def test_the_pages_are_measured_as_they_are():
    need_chromium()

    figures = await measure(1, tasks=2)

    assert figures.keys() == LINES.keys()
    assert all(value > 0 for [value] in figures.values())
