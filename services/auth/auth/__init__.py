"""Users, credentials, sessions, one-time links and the keys that sign tokens."""
