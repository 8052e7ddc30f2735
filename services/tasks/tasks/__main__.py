"""Runs tasks as a process of its own."""

from shared.run import run
from tasks.service import build

run(build())
