"""The executor that has its work done by an OpenClaw gateway."""
