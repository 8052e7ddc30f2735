"""What a subscription begins with."""

from embedded.emulator.errors import NotEmulated
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx


def subscribe(tx: Tx, session: Body, customer: Body, method: Body) -> None:  # noqa: ARG001
    """Begin the subscription that a session sells."""
    names = ["mode"]
    raise NotEmulated(names)
