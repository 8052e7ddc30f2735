"""The types of work that tasks names and the agent-runner knows are the same."""

from agent_runner.executors import AGENT_TYPES
from tasks.classification import AgentType


def test_every_type_of_work_has_somebody_who_knows_it():
    assert set(AGENT_TYPES) == set(AgentType)
