"""Delivery: what an attempt made, checked, hashed and stored before its run is called finished."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from opentelemetry.trace import SpanKind

from agent_runner import texts
from agent_runner.agents import AgentFailed, Answer, ProducedFile
from agent_runner.runs import UNITS_MAX, Ending, Lease, Limits
from shared.blobs import Blobs
from shared.contracts.tasks import DeliveredFile, Outcome
from shared.ids import public
from shared.tracing import step

CUT = "\n\n*The text goes on in the file {name}.*"
TEXT_FILE = "result.md"
MARKDOWN = "text/markdown"

NewId = Callable[[], UUID]


class Store:
    """Stores what attempts made, under `results/{task}/{attempt}/{file}`."""

    def __init__(self, blobs: Blobs, limits: Limits, new_id: NewId) -> None:
        self._blobs = blobs
        self._limits = limits
        self._new_id = new_id

    async def deliver(self, lease: Lease, answer: Answer, scratch: Path) -> Ending:
        """Return the answer as an ending once all its files are stored; raise AgentFailed for an unfit one."""
        self._check(answer)
        text, produced = await asyncio.to_thread(_split, answer, scratch)
        files: list[DeliveredFile] = []
        for file in produced:
            path = await asyncio.to_thread(_inside, scratch, file)
            name = texts.another_name(texts.file_name(file.name), [other.name for other in files])
            kept = await self.keep(
                lease.task_id, lease.attempt, path, name=name, media_type=file.media_type
            )
            files.append(kept)
        units = answer.units_used
        return Ending(
            Outcome.SUCCEEDED,
            result=text or None,
            units_used=None if units is None else max(0, min(units, UNITS_MAX)),
            files=files,
        )

    async def keep(
        self, task_id: UUID, attempt: int, path: Path, *, name: str, media_type: str
    ) -> DeliveredFile:
        """Hash and store one file; raise AgentFailed when it is too large."""
        size, sha256 = await asyncio.to_thread(_measure, path)
        if size > self._limits.file_bytes_max:
            reason = f"The file {name} is larger than can be delivered."
            raise AgentFailed(reason)
        file_id = self._new_id()
        file = DeliveredFile(
            file_id=file_id,
            key=f"results/{public('task', task_id)}/{attempt}/{public('file', file_id)}",
            name=name,
            size=size,
            media_type=texts.media_type(media_type),
            sha256=sha256,
        )
        with step(
            "put file",
            service="agent-runner",
            kind=SpanKind.CLIENT,
            attributes={"file.size": size},
        ):
            await self._blobs.put(file.key, path, file.media_type)
        return file

    def _check(self, answer: Answer) -> None:
        if not answer.text.strip() and not answer.files:
            reason = "The agent came back without a result."
            raise AgentFailed(reason, is_worth_retrying=True)
        if len(answer.files) > self._limits.files_max:
            reason = f"The result has more than the {self._limits.files_max} files that can be delivered."
            raise AgentFailed(reason)


def _split(answer: Answer, scratch: Path) -> tuple[str, Sequence[ProducedFile]]:
    """Move a text that is too long for an event into a file, and say so at its cut end."""
    text = texts.clean(answer.text)
    if texts.size(text) <= texts.TEXT_BYTES_MAX:
        return text, answer.files
    name = texts.another_name(TEXT_FILE, [file.name for file in answer.files])
    path = scratch / texts.another_name(TEXT_FILE, [entry.name for entry in scratch.iterdir()])
    path.write_text(text, encoding="utf-8")
    note = CUT.format(name=name)
    shown = texts.cut(text, texts.TEXT_BYTES_MAX - texts.size(note)) + note
    return shown, (ProducedFile(name, path, MARKDOWN), *answer.files)


def _inside(scratch: Path, file: ProducedFile) -> Path:
    """Return where the file really is; a link out of the attempt's own folder is not followed."""
    path = file.path.resolve()
    if not path.is_relative_to(scratch.resolve()) or not path.is_file():
        reason = "The agent named a file that it did not make."
        raise AgentFailed(reason, is_worth_retrying=True)
    return path


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        return content.tell(), sha256
