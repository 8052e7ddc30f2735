"""The product's own services in one process and in virtual time, under faults that a seed chooses; see ADR 0013."""
