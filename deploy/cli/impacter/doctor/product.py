"""The running product, as it tells of itself over HTTP."""

from http import HTTPStatus

from impacter.api import Api, Json
from impacter.doctor.findings import Finding, broken, ok
from impacter.failures import Failure

OUTBOX_S_MAX = 60
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
