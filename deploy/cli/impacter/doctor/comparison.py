"""When the running billing was last compared with Stripe, as its metrics tell."""

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from impacter.doctor.findings import Finding, broken, ok, skipped

COMPARED_S_MAX = 3600
SYNCED_S_MAX = 6 * 3600


def check_comparison(page: str) -> Iterator[Finding]:
    """Tell when billing was compared with Stripe, when its prices were synced, and whether something differs."""
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name.startswith(("impacter_stripe_", "impacter_price_"))
    }
    yield _age(
        "comparison with Stripe",
        values.get("impacter_stripe_compared_age_seconds"),
        COMPARED_S_MAX,
        "see StripeNotCompared in docs/operations.md",
    )
    yield _age(
        "prices",
        values.get("impacter_price_sync_age_seconds"),
        SYNCED_S_MAX,
        "see PricesNotSynced in docs/operations.md",
    )
    differences = values.get("impacter_stripe_differences", 0)
    if differences:
        why = f"{differences:,.0f} things differ: `impacter admin books` names them"
        yield broken("Stripe and our books", why, "see StripeDiffers in docs/operations.md")


def _age(what: str, age_s: float | None, limit_s: float, to_do: str) -> Finding:
    if age_s is None:
        return skipped(what, "billing does not tell of it now")
    if age_s > limit_s:
        return broken(what, f"it was last done {age_s / 3600:,.1f} hours ago", to_do)
    return ok(what, f"{age_s:,.0f} s ago")
