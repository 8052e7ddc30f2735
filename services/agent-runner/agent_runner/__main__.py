"""The agent-runner as a process of its own."""

from agent_runner.service import build
from shared.run import run

if __name__ == "__main__":
    run(build())
