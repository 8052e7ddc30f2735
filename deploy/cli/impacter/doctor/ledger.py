"""Whether the books balance, as the running billing's metrics tell."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from impacter.doctor.findings import Finding, broken, ok, skipped

LEDGER = "ledger"
PROOF_S_MAX = 86_400


def check_ledger(page: str) -> Finding:
    """Tell whether the books balance, by billing's own proof, from a page of metrics."""
    samples = {
        (sample.name, sample.labels.get("rule")): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name.startswith(("impacter_ledger_", "impacter_books_"))
    }
    return _differing(samples) or _proved(samples.get(("impacter_ledger_proof_age_seconds", None)))


def _differing(samples: Mapping[tuple[str, str | None], float]) -> Finding | None:
    wrong = [f"{rule} ({n:,.0f})" for (_, rule), n in samples.items() if rule and n]
    days = samples.get(("impacter_books_wrong_days", None))
    if wrong:
        to_do = "see LedgerBroken in docs/operations.md; correct by grants, never by hand in tables"
        return broken(LEDGER, f"the books do not balance: {'; '.join(wrong)}", to_do)
    if days:
        why = f"the books of {days:,.0f} days differ: `impacter admin books` shows by how much"
        return broken(LEDGER, why, "see BooksDiffer in docs/operations.md")
    return None


def _proved(age_s: float | None) -> Finding:
    if age_s is None:
        return skipped(LEDGER, "billing does not tell of its proof now")
    if age_s > PROOF_S_MAX:
        why = f"it was last proved as a whole {age_s / 3600:,.0f} hours ago"
        return broken(LEDGER, why, "see LedgerNotProved in docs/operations.md")
    return ok(LEDGER, f"every rule holds; proved {age_s:,.0f} s ago")
