"""The demo executor: makes results that look like an agent's, say that they are not, and never change."""

import asyncio
import csv
import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent_runner.agents import AgentFailed, Answer, Assignment, ProducedFile, Progress, Report

LABEL = "> **Demo result.** Made by the demo executor: the form is real, the content is not."
LEADS_USUAL = 25
LEADS_MAX = 10_000
SLOW_S_MAX = 3600
COLUMNS = ("name", "company", "title", "email", "phone", "website", "city")

_MARKER = re.compile(r"\[demo:\s*(\w+)(?:\s+(\d+))?\s*\]", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+|\d+")
_CITY = re.compile(r"\bin ((?:[A-Z][\w'-]+)(?: [A-Z][\w'-]+)*)")

FIRST = ("Ada", "Ben", "Carla", "David", "Elena", "Felix", "Grace", "Hugo", "Iris", "Jonas")
LAST = (
    "Abbott",
    "Baker",
    "Costa",
    "Duarte",
    "Ellis",
    "Fischer",
    "Garcia",
    "Huang",
    "Ito",
    "Jensen",
)
TRADES = ("Bakery", "Consulting", "Dental", "Fitness", "Interiors", "Logistics", "Realty", "Solar")
TITLES = ("Owner", "Managing Director", "Head of Marketing", "Office Manager", "Buyer")


@dataclass(frozen=True, slots=True)
class Marker:
    """What a prompt asks of the demo itself, like `[demo: slow 20]`."""

    word: str
    number: int


class DemoAgent:
    """Answers every prompt in the same way each time.

    Markers in the prompt make it fail (`[demo: fail]`), fail at the first attempt (`[demo: flaky]`), break
    (`[demo: break]`), never end (`[demo: hang]`), or take its time in seconds (`[demo: slow N]`).
    """

    async def run(self, assignment: Assignment, scratch: Path, report: Report) -> Answer:
        """Return a demo result: leads as a CSV file, anything else as Markdown."""
        await report(Progress(note="The demo agent reads the task."))
        for marker in _markers(assignment.prompt):
            await _obey(marker, assignment, report)
        prompt = _MARKER.sub("", assignment.prompt).strip()
        if assignment.agent_type == "lead-generation":
            return await _leads(prompt, scratch, report)
        return await _text(prompt, assignment.agent_type, scratch, report)

    async def check(self) -> None:
        """Return: the demo can always take work."""


async def _obey(marker: Marker, assignment: Assignment, report: Report) -> None:
    match marker.word:
        case "fail":
            reason = "The demo agent was asked to fail."
            raise AgentFailed(reason)
        case "flaky" if assignment.attempt == 1:
            reason = "The demo agent was asked to fail at first."
            raise AgentFailed(reason, is_worth_retrying=True)
        case "break":
            reason = "the demo agent was asked to break"
            raise RuntimeError(reason)
        case "hang":
            await report(Progress(note="The demo agent hangs, as it was asked to."))
            await asyncio.Event().wait()
        case "slow":
            await _take_time(min(marker.number, SLOW_S_MAX), report)
        case _:
            pass


async def _take_time(seconds: int, report: Report) -> None:
    for second in range(seconds):
        await report(Progress(note=f"The demo agent works slowly: {second} of {seconds} seconds."))
        await asyncio.sleep(1)


async def _leads(prompt: str, scratch: Path, report: Report) -> Answer:
    count = _asked_number(prompt)
    city = _city(prompt)
    await report(Progress(note=f"The demo agent makes up {count} leads."))
    path = scratch / "leads.csv"
    await asyncio.to_thread(_write_leads, path, count, city, _chance(prompt))
    return Answer(
        text=f"{LABEL}\n\nDone! Found {count} leads in {city}. They are in **leads.csv**.",
        files=(ProducedFile("leads.csv", path, "text/csv"),),
        units_used=count,
    )


async def _text(prompt: str, agent_type: str, scratch: Path, report: Report) -> Answer:
    await report(Progress(note="The demo agent writes an answer."))
    number = _chance(prompt).randint(1000, 9999)
    quoted = "\n".join(f"> {line}" for line in prompt.splitlines()) or "> (nothing)"
    text = (
        f"{LABEL}\n\n## {agent_type}: result {number}\n\nYou asked:\n\n{quoted}\n\n"
        "A real agent would have\n\n1. read this,\n2. done the work,\n3. written down what it found.\n"
    )
    path = scratch / "result.md"
    await asyncio.to_thread(path.write_text, text, encoding="utf-8")
    return Answer(text=text, files=(ProducedFile("result.md", path, "text/markdown"),))


def _markers(prompt: str) -> Iterator[Marker]:
    for match in _MARKER.finditer(prompt):
        yield Marker(match[1].lower(), int((match[2] or "1")[:6]))


def _asked_number(prompt: str) -> int:
    match = _NUMBER.search(prompt)
    if match is None:
        return LEADS_USUAL
    return max(1, min(int(match[0].replace(",", "")[:9]), LEADS_MAX))


def _city(prompt: str) -> str:
    match = _CITY.search(prompt)
    return match[1] if match else "Exampleville"


def _chance(prompt: str) -> random.Random:
    seed = int.from_bytes(hashlib.sha256(prompt.encode(errors="replace")).digest(), "big")
    return random.Random(seed)  # noqa: S311 - the same prompt shall give the same rows


def _write_leads(path: Path, count: int, city: str, chance: random.Random) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerows(_lead(number, city, chance) for number in range(1, count + 1))


def _lead(number: int, city: str, chance: random.Random) -> tuple[str, ...]:
    first, last, trade = chance.choice(FIRST), chance.choice(LAST), chance.choice(TRADES)
    return (
        f"{first} {last}",
        f"{last} {trade} (demo)",
        chance.choice(TITLES),
        f"{first}.{last}.{number}@example.com".lower(),
        f"+1-555-01{chance.randint(0, 99):02d}",
        f"https://{last}-{trade}-{number}.example.com".lower(),
        city,
    )
