"""The ledger: the only ways to move credits.

Every operation takes a batch and is a few set-based statements, however large the batch and however often
one account is in it. The order of locks is the same everywhere: accounts by id first, then what hangs on
them. Keys in the database make each movement happen once. Whatever becomes available pays debts first.
"""

from billing.ledger.accounts import (
    account_of,
    balance_of,
    known_users,
    nobodys_account,
    open_account,
)
from billing.ledger.expiry import Expired, expire
from billing.ledger.grants import Grant, Granted, grant
from billing.ledger.holds import Held, HoldRequest, Settled, Settlement, hold, settle
from billing.ledger.pauses import Paused, pause, resume
from billing.ledger.reversals import (
    Reinstated,
    Reinstatement,
    Revocation,
    Revoked,
    reinstate,
    revoke,
)
from billing.ledger.spending import Spend, Spent, spend

__all__ = [
    "Expired",
    "Grant",
    "Granted",
    "Held",
    "HoldRequest",
    "Paused",
    "Reinstated",
    "Reinstatement",
    "Revocation",
    "Revoked",
    "Settled",
    "Settlement",
    "Spend",
    "Spent",
    "account_of",
    "balance_of",
    "expire",
    "grant",
    "hold",
    "known_users",
    "nobodys_account",
    "open_account",
    "pause",
    "reinstate",
    "resume",
    "revoke",
    "settle",
    "spend",
]
