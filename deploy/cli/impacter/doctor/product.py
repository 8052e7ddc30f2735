"""The running product, as it tells of itself over HTTP."""

from collections.abc import Mapping
from http import HTTPStatus

from prometheus_client.parser import text_string_to_metric_families

from impacter.api import Api, Json
from impacter.doctor.findings import Finding, broken, ok, skipped
from impacter.failures import Failure

LEDGER = "ledger"
OUTBOX_S_MAX = 60
PROOF_S_MAX = 86_400
TO_DO = {
    "process": "start the service; the last line of its log says why it ended",
    "database": "start its PostgreSQL, or correct its *_DATABASE_URL",
    "bus": "start the broker, or correct BUS_URL",
    "blobs": "look at the object store, or correct BLOBS_URL",
    "openclaw": "start the OpenClaw gateway, or correct OPENCLAW_URL and OPENCLAW_TOKEN",
}


def check(api: Api) -> list[Finding]:
    """Tell what each service says of itself; nothing but one line where nobody answers."""
    try:
        ready = api.get("/health/ready", also=[HTTPStatus.SERVICE_UNAVAILABLE])
    except Failure as failure:
        to_do = "start the product; if it does not start, the lines below say what keeps it from it"
        return [broken("product", str(failure).partition(": start it")[0], to_do)]
    services = ready.get("services")
    if not isinstance(services, dict):
        why = str(ready.get("detail") or "it does not answer as ImpacterAGI's gateway does")
        return [broken("product", why, "start the services; check --url or SITE_URL")]
    findings = [ok("product", "it answers")]
    for name, state in services.items():
        findings += _service(name, state)
    return [*findings, _outboxes(services), _parked(services)]


def check_ledger(api: Api) -> Finding:
    """Tell whether the books balance, by billing's own proof."""
    try:
        page = api.text("/metrics")
    except Failure as failure:
        return skipped(LEDGER, str(failure))
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


def _service(name: str, state: Json) -> list[Finding]:
    dependencies = state.get("dependencies") or {}
    wrong = [
        broken(f"{name}: {link}", str(said), TO_DO.get(link, f"see what {name} logs about it"))
        for link, said in dependencies.items()
        if said != "ok"
    ]
    return wrong or [ok(name, ", ".join(dependencies))]


def _outboxes(services: dict[str, Json]) -> Finding:
    late = [
        f"{name} ({state['outbox']:,} waiting, the oldest {state['outbox_age_s']:,.0f} s)"
        for name, state in services.items()
        if (state.get("outbox_age_s") or 0) > OUTBOX_S_MAX
    ]
    if late:
        to_do = "see OutboxStuck in docs/operations.md: the bus does not take what they publish"
        return broken("outbox", f"events do not leave {', '.join(late)}", to_do)
    return ok("outbox", f"{sum(state.get('outbox') or 0 for state in services.values()):,} waiting")


def _parked(services: dict[str, Json]) -> Finding:
    parked = {
        name: (state.get("parked") or {}).get("parked", 0) for name, state in services.items()
    }
    waiting = [f"{name} ({count:,})" for name, count in parked.items() if count]
    if waiting:
        to_do = "`impacter admin parked list` shows why; mend the cause, then replay them"
        return broken("parked", f"events wait for a person in {', '.join(waiting)}", to_do)
    return ok("parked", "none")
