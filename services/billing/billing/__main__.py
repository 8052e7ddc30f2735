"""Runs billing as a process of its own."""

from shared.run import run

from billing.service import build

run(build())
