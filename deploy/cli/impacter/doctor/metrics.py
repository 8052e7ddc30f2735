"""What the running product's metrics say, which the operators' key opens: the ledger, the books, Stripe."""

from collections.abc import Iterator
from http import HTTPStatus

from impacter.api import operator_api
from impacter.doctor.comparison import check_comparison
from impacter.doctor.findings import Finding, broken, skipped
from impacter.doctor.ledger import check_ledger
from impacter.failures import Failure

REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
KEY = "operators' key"
UNSEEN = ("ledger", "comparison with Stripe")
KEY_FIX = "set ADMIN_API_KEY to the key that the services run with"


def check(url: str | None) -> Iterator[Finding]:
    """Tell what the metrics say, or why they cannot be read: a key that is refused is broken, none at all is not."""
    try:
        with operator_api(url) as api:
            page = api.text("/metrics")
    except Failure as failure:
        is_refused = failure.status in REFUSED
        if is_refused:
            yield broken(KEY, "the product does not take it", KEY_FIX)
        why = "the operators' key is refused" if is_refused else str(failure)
        yield from (skipped(what, why) for what in UNSEEN)
        return
    yield check_ledger(page)
    yield from check_comparison(page)
