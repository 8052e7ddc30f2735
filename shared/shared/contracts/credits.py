"""The story of a user's credits, told by billing, the only service that moves them."""

from datetime import datetime

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
    """Credits came in; `opened_account` when the same payment opened the account (it was welcomed already).

    `repaid` of them went to what was owed at once.
    """

    user_id: UserId
    transaction_id: TransactionId
    amount: PositiveInt
    kind: str
    payment_id: PaymentId | None = None
    opened_account: bool = False
    repaid: NonNegativeInt = 0
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
    """A hold has ended, by billing's clock `settled_at`: `captured` is what the task cost, `released` came back."""

    hold_id: HoldId
    task_id: TaskId
    user_id: UserId
    captured: NonNegativeInt
    released: NonNegativeInt
    settled_at: datetime | None = None
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


class CreditsSpent(
    Event, name="credits.spent.v1", publisher="billing", consumers=("auth", "tasks")
):
    """Credits were spent on a feature that delivered at once, without a task."""

    user_id: UserId
    transaction_id: TransactionId
    amount: PositiveInt
    feature: str
    balance: Balance


class CreditsExpired(
    Event, name="credits.expired.v1", publisher="billing", consumers=("auth", "tasks")
):
    """Credits whose time was over have left."""

    user_id: UserId
    transaction_id: TransactionId
    amount: PositiveInt
    balance: Balance


class CreditsExpiring(
    Event, name="credits.expiring.v1", publisher="billing", consumers=("notifier",)
):
    """Credits will expire: told when at most `days_left` days are left, of each day's credits once a stage."""

    user_id: UserId
    amount: PositiveInt
    expires_at: datetime
    days_left: PositiveInt


class CreditsPaused(
    Event, name="credits.paused.v1", publisher="billing", consumers=("auth", "tasks")
):
    """Credits of a subscription that is not paid for wait, and cannot be spent meanwhile."""

    user_id: UserId
    amount: PositiveInt
    balance: Balance


class CreditsResumed(
    Event, name="credits.resumed.v1", publisher="billing", consumers=("auth", "tasks")
):
    """Credits that waited can be spent again."""

    user_id: UserId
    amount: PositiveInt
    balance: Balance


class CreditsRanLow(Event, name="credits.ran_low.v1", publisher="billing", consumers=("notifier",)):
    """Spending has just left little; told again only after there was more."""

    user_id: UserId
    balance: Balance
