"""J9: with everything failing under way, nothing is lost and nothing happens twice; `make chaos` does it for longer."""

import os
import sys

import pytest

from tests.folders import temporary_folder
from tests.system.chaos import chaos, say
from tests.system.nemesis import deck


@pytest.mark.system
@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows processes in /proc")
async def test_every_kind_of_fault_under_load_loses_nothing_and_doubles_nothing(tmp_path):
    with temporary_folder("chaos") as folder:
        report = await chaos(folder, seed=int(os.environ.get("SEED", "40")))

    say(f"{report.as_markdown()}\nreport: {report.write(tmp_path)}")
    assert report.audit.flaws == []
    assert report.audit.counts["late attempts not heard"] > 0
    assert {fault.kind for fault in report.faults} == {card.kind for card in deck()}
