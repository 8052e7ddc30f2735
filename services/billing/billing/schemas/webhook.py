"""What Stripe is answered."""

from pydantic import BaseModel


class Received(BaseModel):
    """Stripe's event is stored."""

    received: bool = True
