"""What a person or a test does around the API: pays, lets time go on, breaks things and mends them."""

from typing import Any

from embedded.emulator import paying
from embedded.emulator.account import Account
from embedded.emulator.faults import Fault, Faults
from embedded.emulator.paying import Payer
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx

DAY_S = 86_400


class Control:
    """Everything that the control page and its API can do, as functions."""

    def __init__(self, account: Account, faults: Faults) -> None:
        self.account = account
        self._faults = faults

    async def pay(self, session_id: str, payer: Payer | None = None) -> Body:
        """Pay at the page of a session; a decline is raised."""

        def work(tx: Tx) -> Any:
            return tx.attempt(lambda: tx.view(paying.pay(tx, session_id, payer or Payer())))

        return await self._kept(work)

    async def advance(self, *, days: float = 0, seconds: int = 0) -> int:
        """Let the account's time go on, with all that comes due on the way."""
        now = await self.account.now()
        return await self.account.advance_to(now + int(days * DAY_S) + seconds)

    async def settle(self) -> None:
        """Do what is due now."""
        while await self.account.work_once():
            pass

    async def deliver(self) -> None:
        """Deliver the webhooks that are due now."""
        while await self.account.courier.work_once():
            pass

    async def events(self, *kinds: str) -> list[Body]:
        """Return what happened, oldest first: everything, or what is of these types."""

        def work(tx: Tx) -> list[Body]:
            found = tx.all("event", type=list(kinds)) if kinds else tx.all("event")
            return [tx.view(event) for event in found]

        return await self.account.do(work)

    def break_next(self, fault: Fault) -> None:
        """Make the next requests fail."""
        self._faults.add(fault)

    def mend(self) -> None:
        """Let requests succeed again."""
        self._faults.clear()

    async def _kept(self, work: Any) -> Body:
        """Do something whose refusal keeps what was done, and raise that afterwards."""
        result, refusal = await self.account.do(lambda tx: _outcome(tx, work))
        if refusal is not None:
            raise refusal
        body: Body = result
        return body


def _outcome(tx: Tx, work: Any) -> tuple[Any, Exception | None]:
    from embedded.emulator.errors import StripeError  # noqa: PLC0415

    try:
        return work(tx), None
    except StripeError as refusal:
        return None, refusal
