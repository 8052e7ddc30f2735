"""HTTP in."""

from auth.routes import accounts, admin, keys, passwords, sessions
from shared.http import joined

router = joined(*(noun.router for noun in (sessions, keys, accounts, passwords, admin)))
