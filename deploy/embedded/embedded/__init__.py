"""The whole product in one process on embedded parts."""
