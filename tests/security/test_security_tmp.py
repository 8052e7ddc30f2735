import asyncio, time, sys, os
from collections import Counter, defaultdict
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema, events
from tests.security.product import OPERATOR
import pytest
pytestmark = pytest.mark.filterwarnings("default")

def conf(origin, headers, n, phases):
    return SchemathesisConfig.from_dict({
        "base-url": origin, "headers": headers, "workers": 1, "continue-on-failure": True,
        "request-timeout": 20,
        "cache": {"enabled": False},
        "auth": {"auto-signup": False},
        "generation": {"max-examples": n, "database": "none", "deterministic": True, "no-shrink": True, "with-security-parameters": False},
        "phases": {p: {"enabled": p in phases} for p in ("examples","coverage","fuzzing","stateful")},
    })

def attack(origin, headers, n, phases):
    schema = schemathesis.openapi.from_url(origin + "/api/openapi.json", config=conf(origin, headers, n, phases))
    schema = schema.exclude(path="/api/events")
    t0=time.time()
    seen = defaultdict(list)
    counts = Counter()
    el = Counter()
    for ev in from_schema(schema).execute():
        if isinstance(ev, events.ScenarioFinished):
            el[(str(ev.phase))] += ev.elapsed_time
            counts[str(ev.phase)] += len(ev.recorder.interactions)
            for cid, checks in ev.recorder.checks.items():
                for c in checks:
                    if c.failure_info is not None:
                        f = c.failure_info.failure
                        i = ev.recorder.interactions.get(cid)
                        seen[(ev.label, c.name, f.title, i.response.status_code if i and i.response else None)].append((f.message[:300], i.request.method, i.request.uri[:200], i.request.body, i.response.content[:200] if i and i.response else None, dict(list(i.request.headers.items()))))
        elif isinstance(ev, events.NonFatalError):
            print("ERR", ev.label, ev.info.format() if hasattr(ev.info,'format') else ev.value)
        elif isinstance(ev, events.FatalError):
            raise ev.exception
    print(phases, n, counts, {k: round(v,1) for k,v in el.items()}, round(time.time()-t0,1))
    return seen

async def test_x(product, alice):
    who = os.environ.get("WHO","alice")
    h = {"alice": dict(alice.headers), "op": dict(OPERATOR), "anon": {}}[who]
    seen = await asyncio.to_thread(attack, product.origin, h, int(os.environ.get("N","10")), os.environ.get("PH","coverage,fuzzing").split(","))
    for k, v in sorted(seen.items(), key=str):
        print("FAIL", k, len(v)); 
        for x in v[:2]: print("     ", x)
