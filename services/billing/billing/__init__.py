"""Payments and the ledger of credits; the gate that every task passes."""
