"""Attacks on the whole product over HTTP and through its queues, kept as tests."""
