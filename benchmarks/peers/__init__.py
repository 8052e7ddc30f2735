"""Other systems, each as its own documentation would have it, with the same work: one row for each event.

These modules run in the bench's own environment (`requirements/bench.txt`), never in the product's. Each takes its
addresses from the environment and, run as a program with a number, enqueues that many events with confirms.
"""
