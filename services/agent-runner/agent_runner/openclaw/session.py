"""What a task's OpenClaw session says about our attempt, and what that asks us to do."""

from enum import Enum, auto

from agent_runner.openclaw.order import AttemptKey
from agent_runner.openclaw.protocol import History, Message

FAILED_STATUSES = frozenset({"failed", "killed", "timeout"})


class Stage(Enum):
    """Where the session stands."""

    ABSENT = auto()
    """It does not exist."""
    READY = auto()
    """Nothing was begun yet, or only by an earlier attempt, which failed."""
    ACTIVE = auto()
    """A run is on its way: ours, an earlier attempt's, or one the gateway resumed by itself."""
    ORPHANED = auto()
    """The gateway died with the run and has not resumed it yet."""
    DONE = auto()
    """The answer is there, whoever asked for it."""
    FAILED = auto()
    """Our own attempt failed."""


def stage_of(history: History, key: AttemptKey) -> Stage:
    """The one place that reads the session's state."""
    info = history.session_info
    if history.session_id is None:
        return Stage.ABSENT
    if info.has_active_run or history.in_flight_run:
        return Stage.ACTIVE
    if info.status in FAILED_STATUSES and _was_begun(history, key):
        return Stage.FAILED
    return {"done": Stage.DONE, "running": Stage.ORPHANED}.get(info.status or "", Stage.READY)


def active_run_id(history: History) -> str | None:
    """The run to wait for, or to end; while it is prepared it shows in other places than later."""
    if history.in_flight_run:
        return history.in_flight_run.run_id
    queued = (item.run_id for item in history.pending_inputs.items if item.state == "queued")
    return next(iter(history.session_info.active_run_ids or ()), None) or next(queued, None)


def idempotency_key(history: History, key: AttemptKey) -> str:
    """A key that the gateway can act upon.

    A message that was accepted but never read before the gateway died stays behind as interrupted;
    its key is refused for ever after, and only a new one gets the work done.
    """
    items = history.pending_inputs.items
    spent = [item for item in items if item.state != "queued" and key.names(item.run_id)]
    return f"{key}:{len(spent) + 1}" if spent else str(key)


def answer_of(history: History) -> Message | None:
    """The last thing the agent said in the latest turn."""
    for message in reversed(history.messages):
        if message.role == "user":
            return None
        if message.role == "assistant" and message.text.strip() and not _is_error(message):
            return message
    return None


def complaint_of(history: History) -> str:
    """What the gateway wrote into the transcript about the failure of the latest turn."""
    last = history.messages[-1:]
    return last[0].text if last and _is_error(last[0]) else ""


def _was_begun(history: History, key: AttemptKey) -> bool:
    run_ids = (message.idempotency_key for message in history.messages)
    return key.names(history.session_info.last_run_id) or any(map(key.names, run_ids))


def _is_error(message: Message) -> bool:
    return (message.idempotency_key or "").endswith(":terminal-error")
