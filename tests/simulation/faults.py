"""What may go wrong in a world, and how often: drawn by the seed, each fault off in about half of the worlds."""

import random
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities, of one event each unless said otherwise."""

    slow: float = 0
    statement_lost: float = 0
    commit_lost: float = 0
    commit_ambiguous: float = 0
    connect_refused: float = 0
    publish_refused: float = 0
    confirm_lost: float = 0
    delivered_twice: float = 0
    ack_lost: float = 0
    response_lost: float = 0
    mail_refused: float = 0
    mail_unknown: float = 0
    store_fails: float = 0
    agent_fails: float = 0
    agent_flaky: float = 0
    agent_breaks: float = 0
    agent_hangs: float = 0
    agent_stubborn: float = 0
    kills: float = 0  # of a process, each few seconds
    stops: float = 0  # SIGTERM instead
    freezes: float = 0  # a process stands still for a while, then goes on
    bus_cuts: float = 0
    outages: float = 0  # a database refuses everybody for some seconds
    stripe_away: float = 0
    stripe_busy: float = 0
    stripe_breaks: float = 0  # before or after it did what was asked
    stripe_answer_lost: float = 0
    webhook_late: float = 0
    webhook_twin: float = 0  # told again under another id
    webhook_twice: float = 0
    webhook_dropped: float = 0
    skew_s: float = 0  # how wrong the clocks of processes are


NONE = Faults()
HIGHEST = Faults(
    slow=0.05,
    statement_lost=0.01,
    commit_lost=0.02,
    commit_ambiguous=0.04,
    connect_refused=0.05,
    publish_refused=0.1,
    confirm_lost=0.15,
    delivered_twice=0.15,
    ack_lost=0.1,
    response_lost=0.2,
    mail_refused=0.2,
    mail_unknown=0.1,
    store_fails=0.5,
    agent_fails=0.3,
    agent_flaky=0.3,
    agent_breaks=0.1,
    agent_hangs=0.2,
    agent_stubborn=0.3,
    kills=0.5,
    stops=0.2,
    freezes=0.3,
    bus_cuts=0.4,
    outages=0.2,
    stripe_away=0.3,
    stripe_busy=0.1,
    stripe_breaks=0.1,
    stripe_answer_lost=0.1,
    webhook_late=0.3,
    webhook_twin=0.2,
    webhook_twice=0.2,
    webhook_dropped=0.3,
    skew_s=120,
)


def drawn(chance: random.Random) -> Faults:
    """Return the faults of one world."""
    return Faults(
        **{
            fault.name: chance.random() * getattr(HIGHEST, fault.name)
            if chance.random() < 0.5
            else 0
            for fault in fields(Faults)
        }
    )
