"""The outside world of a simulation: agents, mailboxes and the store of files."""

import asyncio
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from fastapi import APIRouter

from agent_runner.agents import AgentFailed, Answer, Assignment, ProducedFile, Progress, Report
from notifier.mailer import Mail, NotSent, OutcomeUnknown
from tests.simulation.loop import LIFE
from tests.simulation.world import World

TOKEN = re.compile(r"[?&]token=([\w.~-]+)")
WORK_S = 3.0
STUBBORN_S = 12.0


@dataclass(frozen=True, slots=True)
class Received:
    """A mail as it reached a mailbox."""

    message_id: UUID
    template: str
    token: str | None


@dataclass(eq=False, slots=True)
class Post:
    """The mailer of a world, and its mailboxes by address."""

    world: World
    mailboxes: dict[str, list[Received]] = field(default_factory=dict)

    async def send(self, mail: Mail) -> None:
        """Take a mail, or not, or without saying so."""
        await self.world.travel(LIFE.get())
        if self.world.happens(self.world.faults.mail_refused):
            raise NotSent("try again")
        is_unknown = self.world.happens(self.world.faults.mail_unknown)
        if not is_unknown or self.world.happens(0.5):
            self._deliver(mail)
        await self.world.travel(LIFE.get())
        if is_unknown:
            raise OutcomeUnknown("the answer was lost")

    def _deliver(self, mail: Mail) -> None:
        body = mail.content.get_body(("plain",))
        found = TOKEN.search(str(body.get_content())) if body else None
        self.world.say(LIFE.get(), "mails", f"{mail.id} {mail.content['Subject']}")
        received = Received(mail.id, str(mail.content["Subject"]), found[1] if found else None)
        self.mailboxes.setdefault(mail.recipient, []).append(received)


@dataclass(eq=False, slots=True)
class Store:
    """The store of files of a world: size and hash by key."""

    world: World
    files: dict[str, tuple[int, str]] = field(default_factory=dict)

    async def put(self, key: str, path: Path, media_type: str) -> None:
        """Store a file, or fail, having stored it or not."""
        await self.world.travel(LIFE.get())
        content = await asyncio.to_thread(path.read_bytes)
        fails = self.world.happens(self.world.faults.store_fails)
        if not fails or self.world.happens(0.5):
            self.files[key] = (len(content), hashlib.sha256(content).hexdigest())
        await self.world.travel(LIFE.get())
        if fails:
            raise OSError("the store does not answer")

    async def link(self, key: str, *, name: str, media_type: str) -> str:
        """Return where the file is."""
        return f"http://store.invalid/{key}"

    async def check(self) -> None:
        """Return: it is there."""

    def routes(self) -> APIRouter:
        """Return no routes: it gives files out itself."""
        return APIRouter()


@dataclass(eq=False, slots=True)
class Agent:
    """Does any work, or fails in all the ways that agents do; `at_work` are attempts by task."""

    world: World
    at_work: dict[UUID, list[int]] = field(default_factory=dict)
    delivered: dict[UUID, list[int]] = field(default_factory=dict)

    async def run(self, assignment: Assignment, scratch: Path, report: Report) -> Answer:
        """Return an answer with a file, after a while."""
        world, faults = self.world, self.world.faults
        world.say(LIFE.get(), "agent begins", f"{assignment.task_id} {assignment.attempt}")
        await report(Progress(note="Reading."))
        await self._work()
        if world.happens(faults.agent_fails):
            raise AgentFailed("It cannot be done.")
        if world.happens(faults.agent_flaky):
            raise AgentFailed("Not this time.", is_worth_retrying=True)
        if world.happens(faults.agent_breaks):
            raise RuntimeError("the agent broke")
        if world.happens(faults.agent_hangs):
            await asyncio.Event().wait()
        self.delivered.setdefault(assignment.task_id, []).append(assignment.attempt)
        world.say(LIFE.get(), "agent answers", f"{assignment.task_id} {assignment.attempt}")
        path = scratch / "result.md"
        text = f"Done by attempt {assignment.attempt}."
        await asyncio.to_thread(path.write_text, text)
        units = world.chance.choice((None, 1, 5, 1000))
        return Answer("Done.", (ProducedFile("result.md", path, "text/markdown"),), units)

    async def check(self) -> None:
        """Return: it can take work."""

    async def _work(self) -> None:
        seconds = self.world.chance.expovariate(1 / WORK_S)
        if self.world.happens(self.world.faults.slow * 5):
            seconds *= 20
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            if not self.world.happens(self.world.faults.agent_stubborn):
                raise
            await asyncio.sleep(STUBBORN_S)  # it was told to stop, and goes on
