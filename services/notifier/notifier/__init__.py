"""Messages to people: each mail once per cause, whatever order its causes come in."""
