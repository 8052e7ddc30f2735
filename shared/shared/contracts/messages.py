"""The story of a mail that answers a payment, told by the notifier: its payer waits for it."""

from shared.events import Event
from shared.ids import PaymentId, UserId


class MessageSent(Event, name="message.sent.v1", publisher="notifier", consumers=("billing",)):
    """The mail that a payment led to was accepted by the mail server."""

    user_id: UserId
    payment_id: PaymentId
    template: str


class MessageFailed(Event, name="message.failed.v1", publisher="notifier", consumers=("billing",)):
    """The mail that a payment led to was given up."""

    user_id: UserId
    payment_id: PaymentId
    template: str
