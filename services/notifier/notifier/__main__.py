"""The notifier's own process."""

from notifier.service import build
from shared.run import run

run(build())
