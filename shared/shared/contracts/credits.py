"""The story of a user's credits, told by billing, the only service that moves them."""

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from shared.contracts.tasks import TaskCreated
from shared.events import Event
from shared.ids import HoldId, PaymentId, TaskId, TransactionId, UserId


class Balance(BaseModel):
    """An account's state; of two, the one with the higher `version` is later."""

    model_config = ConfigDict(frozen=True)

    balance: int
    reserved: NonNegativeInt
    available: int
    version: int


class CreditsGranted(
    Event,
    name="credits.granted.v1",
    publisher="billing",
    consumers=("auth", "notifier", "tasks"),
):
    """Credits came in; `opened_account` when the same payment opened the account (it was welcomed already)."""

    user_id: UserId
    transaction_id: TransactionId
    amount: PositiveInt
    kind: str
    payment_id: PaymentId | None = None
    opened_account: bool = False
    balance: Balance


class CreditsHeld(
    Event,
    name="credits.held.v1",
    publisher="billing",
    consumers=("agent-runner", "auth", "tasks"),
):
    """Credits are set aside for a task: the start signal. Carries the task, so that nobody looks it up."""

    hold_id: HoldId
    amount: NonNegativeInt
    task: TaskCreated
    balance: Balance


class CreditsDenied(Event, name="credits.denied.v1", publisher="billing", consumers=("tasks",)):
    """There were not enough credits for a task; it will not run."""

    task_id: TaskId
    user_id: UserId
    needed: PositiveInt
    balance: Balance


class CreditsSettled(
    Event, name="credits.settled.v1", publisher="billing", consumers=("auth", "tasks")
):
    """A hold has ended: `captured` is what the task cost, `released` came back."""

    hold_id: HoldId
    task_id: TaskId
    user_id: UserId
    captured: NonNegativeInt
    released: NonNegativeInt
    balance: Balance


class CreditsRevoked(
    Event,
    name="credits.revoked.v1",
    publisher="billing",
    consumers=("auth", "notifier", "tasks"),
):
    """Credits of a payment were taken back after a `refund` or for a `dispute`; what was spent already is `owed`."""

    user_id: UserId
    payment_id: PaymentId
    transaction_id: TransactionId | None = None
    kind: str
    amount: NonNegativeInt
    owed: NonNegativeInt
    balance: Balance
