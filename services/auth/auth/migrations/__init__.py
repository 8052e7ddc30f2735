"""The migrations of auth's own tables."""
