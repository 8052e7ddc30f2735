"""Runs billing as a process of its own."""

from billing.service import build
from shared.run import run

run(build())
