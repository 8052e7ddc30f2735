"""What the doctor found: one line a link."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

LIMIT_S = 10
REFUSED = re.compile(r"\[Errno 111\] Connect(?: call failed \([^()]*\)|ion refused)")
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")


class State(StrEnum):
    """How a link is; what could not be looked at is neither well nor broken."""

    OK = "ok"
    BROKEN = "broken"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One link: how it is, why, and what to do about it."""

    what: str
    state: State
    why: str = ""
    to_do: str = ""


class Broken(Exception):
    """A link does not hold; the reason is known and so is what to do."""

    def __init__(self, why: str, to_do: str) -> None:
        super().__init__(why)
        self.to_do = to_do


def ok(what: str, detail: str = "") -> Finding:
    """Return that a link holds."""
    return Finding(what, State.OK, detail)


def broken(what: str, why: str, to_do: str) -> Finding:
    """Return that a link does not hold."""
    return Finding(what, State.BROKEN, why, to_do)


def skipped(what: str, why: str, to_do: str = "") -> Finding:
    """Return that a link was not looked at."""
    return Finding(what, State.SKIPPED, why, to_do)


async def look(
    what: str, at: Callable[[], Awaitable[str | None]], *, to_do: str, limit_s: float = LIMIT_S
) -> Finding:
    """Look at one link within the limit; what `at` returns is said of a link that holds."""
    try:
        async with asyncio.timeout(limit_s):
            detail = await at()
    except Broken as flaw:
        return broken(what, str(flaw), flaw.to_do)
    except TimeoutError:
        return broken(what, f"there is no answer within {limit_s:g} seconds", to_do)
    except (Exception, SystemExit) as flaw:  # noqa: BLE001 - what is wrong is the answer
        return broken(what, words(flaw), to_do)
    return ok(what, detail or "")


def shown(service: str) -> str:
    """Return a service's name as people read it everywhere."""
    return service.replace("_", "-")


def words(flaw: BaseException) -> str:
    """Return what is wrong in plain words where we have some; never with the credentials of a URL."""
    for kind, said in PLAIN.items():
        if isinstance(flaw, kind):
            return said
    text = " ".join(str(flaw).split()) or type(flaw).__name__
    return CREDENTIALS.sub("", REFUSED.sub(PLAIN[ConnectionRefusedError], text))


PLAIN: dict[type[BaseException], str] = {
    ConnectionRefusedError: "nothing listens there",
    ConnectionResetError: "it hangs up at once",
    socket.gaierror: "there is no host of that name",
}
