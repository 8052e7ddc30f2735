"""The history of the agent-runner's tables."""
