"""Runs billing as a process of its own."""

import gc

gc.disable()  # what is made while code is read stays for ever: `shared.run` begins to collect once it serves

from billing.service import build  # noqa: E402
from shared.run import run  # noqa: E402

run(build())
