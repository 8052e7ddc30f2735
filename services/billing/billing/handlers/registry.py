"""Which function of billing answers which event."""

from shared.handlers import Handlers

handlers = Handlers("billing")
