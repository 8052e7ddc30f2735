"""The auth service as a process of its own."""

from auth.service import build
from shared.run import run

if __name__ == "__main__":
    run(build())
