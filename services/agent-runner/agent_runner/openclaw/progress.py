"""From the gateway's stream of events to a few signs of life for the customer."""

import asyncio
from typing import Any

from agent_runner.agents import Progress, Report
from agent_runner.openclaw.protocol import AgentEvent, Waited

NOTE_CHARACTERS_MAX = 200


class ProgressFeed:
    """The latest note and text of one session, reported at most once an interval."""

    def __init__(self, session_key: str, report: Report, interval_s: float) -> None:
        self._session_key = session_key
        self._report = report
        self._interval_s = interval_s
        self._news = asyncio.Event()
        self._note: str | None = None
        self._text: str | None = None

    def hear(self, event: AgentEvent) -> None:
        """Take note of an event; those of other sessions are not for us."""
        if event.session_key.lower() != self._session_key:
            return
        if event.stream == "assistant" and isinstance(text := event.data.get("text"), str):
            self.hear_text(text)
        elif event.stream == "item" and _is_tool_call(event):
            self._note = str(event.data.get("title"))[:NOTE_CHARACTERS_MAX]
            self._news.set()

    def hear_text(self, text: str) -> None:
        """Take note of the answer so far."""
        if text and text != self._text:
            self._text = text
            self._news.set()

    async def relay_until(self, ended: asyncio.Task[Waited]) -> None:
        """Report what is heard until the future is done, and what was heard last after that."""
        while not ended.done():
            news = asyncio.create_task(self._news.wait())
            either: set[asyncio.Task[Any]] = {ended, news}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                news.cancel()
            await self._pass_on()
            await asyncio.wait({ended}, timeout=self._interval_s)
        await self._pass_on()

    async def _pass_on(self) -> None:
        if self._news.is_set():
            self._news.clear()
            progress = Progress(note=self._note, text=self._text)
            self._note = None
            await self._report(progress)


def _is_tool_call(event: AgentEvent) -> bool:
    return event.data.get("kind") == "tool" and event.data.get("phase") == "start"
