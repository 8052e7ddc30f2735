"""The catalogue: what is bought for how many credits, as the metadata of Stripe's products says.

Products and prices are told of by events and fetched as a whole. An edit changes what is bought from then on: no
lot, no payment and no page that is open.
"""

from billing.catalogue.entries import Entry, buyable, entries, listed
from billing.catalogue.hearing import Heard, hear_links, hear_prices, hear_products, remove
from billing.catalogue.standard import offers
from billing.catalogue.syncing import Changes, Fetched, fetch, learn, preview, write

__all__ = [
    "Changes",
    "Entry",
    "Fetched",
    "Heard",
    "buyable",
    "entries",
    "fetch",
    "hear_links",
    "hear_prices",
    "hear_products",
    "learn",
    "listed",
    "offers",
    "preview",
    "remove",
    "write",
]
