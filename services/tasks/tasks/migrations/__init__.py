"""The history of the tables of tasks."""
