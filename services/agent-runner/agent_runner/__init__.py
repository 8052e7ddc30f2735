"""The agent-runner runs funded tasks on agents, and on people: leases, deadlines, results."""
