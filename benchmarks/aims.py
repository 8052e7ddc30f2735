"""The lines of the table: each figure, what it is compared with, and the aim."""

from dataclasses import dataclass

from benchmarks.peering import PEERS

PEER_TIMES = tuple(f"{name}/cpu_us" for name in PEERS)
PEER_RATES = tuple(f"{name}/rate" for name in PEERS)


@dataclass(frozen=True, slots=True)
class Line:
    """A figure by itself or against the best of others; the aim bounds the ratio, or the figure where there is none."""

    title: str
    figure: str
    unit: str
    versus: tuple[str, ...] = ()
    versus_title: str = ""
    at_least: float | None = None
    at_most: float | None = None
    is_inverse: bool = False


AIMED = (
    Line(
        "money path drained, each payment once, 2 processes",
        "money/2/rate",
        "/s",
        PEER_RATES,
        "best peer, one row an event, at least once, 2 processes",
        at_least=2.5,
    ),
    Line(
        "money path drained, each payment once, 2 processes",
        "money/2/rate",
        "/s",
        ("publishing/batched",),
        "bare batch publish with confirms",
        at_least=0.35,
    ),
    Line(
        "simple consumer, one row an event, each once, 1 process",
        "counter/rate",
        "/s",
        PEER_RATES,
        "best peer, 2 processes",
        at_least=5,
    ),
    Line(
        "money path on one hot account",
        "money/hot/rate",
        "/s",
        ("money/1/rate",),
        "on many accounts",
        at_least=0.8,
    ),
    Line("webhook accepted, 1 process", "webhook/rate", "/s", at_least=3_000),
    Line(
        "webhook accepted, 1 process",
        "webhook/rate",
        "/s",
        ("http/group_commit",),
        "group commit",
        at_least=0.5,
    ),
    Line("webhook at half of that rate, p99", "webhook/half/p99_ms", "ms", at_most=15),
    Line("POST /api/tasks, 1 process", "asking/rate", "/s", at_least=1_500),
    Line(
        "credits spent on 1,000 accounts, 1 process",
        "spending/rate",
        "/s",
        ("commits/32",),
        "pgbench -N, 32 clients",
    ),
    Line(
        "credits spent on one hot account",
        "spending/hot/rate",
        "/s",
        ("commits/32",),
        "pgbench -N, 32 clients",
    ),
    Line("idle: webhook → credits granted, p50", "latency/granted/p50_ms", "ms", at_most=15),
    Line("idle: task created → run started, p50", "latency/started/p50_ms", "ms", at_most=25),
    Line(
        "cost of a payment on a long ledger",
        "growth/ledger/long",
        "/s",
        ("growth/ledger/short",),
        "on 10 thousand postings",
        at_most=1.2,
        is_inverse=True,
    ),
    Line(
        "cost of a spend on a long ledger",
        "growth/spending/long",
        "/s",
        ("growth/spending/short",),
        "on 10 thousand postings",
        at_most=1.2,
        is_inverse=True,
    ),
    Line(
        "cost of relaying with a long outbox",
        "growth/outbox/long",
        "/s",
        ("growth/outbox/short",),
        "with 10 thousand waiting",
        at_most=1.2,
        is_inverse=True,
    ),
    Line("an open stream", "streams/kb", "kB", at_most=25),
    Line("start of the embedded product, warm", "starting/embedded_s", "s", at_most=5),
    Line("start of one service", "starting/service_s", "s", at_most=1.5),
)

_OF_PEERS = (PEER_TIMES, "the least of the peers")
_OF_NOOP = (("http/noop",), "a route that does nothing")
BESIDES = (
    Line("money path, 1 process", "money/1/rate", "/s", PEER_RATES, "best peer, 2 processes"),
    Line("webhook accepted", "webhook/rate", "/s", *_OF_NOOP),
    Line("POST /api/tasks", "asking/rate", "/s", *_OF_NOOP),
    Line("POST /api/tasks without Idempotency-Key", "asking/plain/rate", "/s", *_OF_NOOP),
    Line("group commit over HTTP", "http/group_commit", "/s", *_OF_NOOP),
    Line("a route that does nothing", "http/noop", "/s"),
    Line("processor time of a webhook", "webhook/cpu_us", "µs"),
    Line("processor time of POST /api/tasks", "asking/cpu_us", "µs"),
    Line("processor time of a spend", "spending/cpu_us", "µs"),
    Line("credits spent at full rate, p99", "spending/p99_ms", "ms"),
    Line("processor time of a payment, relay to relay", "money/1/cpu_us", "µs", *_OF_PEERS),
    Line("processor time of a counted event", "counter/cpu_us", "µs", *_OF_PEERS),
    Line("webhook at half of its rate, p50", "webhook/half/p50_ms", "ms"),
    Line("POST /api/tasks at its full rate, p99", "asking/p99_ms", "ms"),
    Line("idle: webhook answered, p50", "latency/webhook_answered/p50_ms", "ms"),
    Line("idle: POST /api/tasks answered, p50", "latency/task_answered/p50_ms", "ms"),
    Line("idle: webhook → credits granted, p99", "latency/granted/p99_ms", "ms"),
    Line("idle: task created → run started, p99", "latency/started/p99_ms", "ms"),
    *(Line(f"{name}, one row an event, 2 processes", f"{name}/rate", "/s") for name in PEERS),
    *(Line(f"processor time of an event, {name}", f"{name}/cpu_us", "µs") for name in PEERS),
    Line("bare batch publish, aio-pika's channel", "publishing/batched", "/s"),
    Line("bare batch publish, a client by hand", "publishing/bare", "/s"),
    *(Line(f"pgbench -N, {count} clients", f"commits/{count}", "/s") for count in (1, 8, 32)),
    Line("processor used by open streams at rest", "streams/rest_cpu_percent", "%"),
    Line("start of the embedded product, cold", "starting/embedded_cold_s", "s"),
    Line("memory: the embedded product with PostgreSQL", "memory/embedded_mb", "MB"),
    Line("memory: five services, a process each", "memory/services_mb", "MB"),
    *(
        Line(f"memory: {name}", f"memory/{name}_mb", "MB")
        for name in ("auth", "billing", "tasks", "notifier", "agent_runner", "postgres", "rabbitmq")
    ),
)
