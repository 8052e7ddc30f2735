"""The story of a subscription, told by billing."""

from datetime import datetime

from pydantic import NonNegativeInt

from shared.events import Event
from shared.ids import UserId


class SubscriptionPastDue(
    Event, name="subscription.past_due.v1", publisher="billing", consumers=("notifier",)
):
    """A renewal was not paid; the plan's credits wait after `grace_until` unless it is paid until then."""

    subscription_id: str
    user_id: UserId
    plan: str | None = None
    amount_cents: NonNegativeInt | None = None
    currency: str | None = None
    pay_url: str | None = None
    invoice_id: str | None = None
    grace_until: datetime
