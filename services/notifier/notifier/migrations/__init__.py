"""The history of the notifier's tables."""
