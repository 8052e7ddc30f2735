"""The outside world: mail, files, OpenClaw, and the disk."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from agent_runner.service import agents_of
from agent_runner.settings import AgentRunnerSettings
from impacter.doctor.engines import place
from impacter.doctor.findings import Finding, broken, look, ok, skipped
from notifier.mailer import open_mailer
from shared.blobs import open_blobs
from shared.settings import load

FREE_BYTES_MIN = 1_000_000_000
FREE_SHARE_MIN = 0.05


async def check_mail(values: Mapping[str, str]) -> Finding:
    """Tell whether a mail could be handed over."""
    url = values["NOTIFIER_MAIL_URL"]
    if url.startswith("file:"):
        to_do = f"let the notifier's user write into {folder_of(url)}, or correct NOTIFIER_MAIL_URL"
    else:
        to_do = f"look at the mail server at {place(url)}, or correct NOTIFIER_MAIL_URL"

    async def at() -> str:
        await open_mailer(url).check()
        return str(folder_of(url)) if url.startswith("file:") else place(url)

    return await look("mail", at, to_do=to_do)


async def check_blobs(values: Mapping[str, str]) -> Finding:
    """Tell whether an object can be written, read and deleted."""
    url = values["BLOBS_URL"]
    if url.startswith("file:"):
        to_do = f"let the services' user write into {folder_of(url)}, or correct BLOBS_URL"
    else:
        to_do = "check that the bucket is there and the key may write, read and delete in it"

    async def at() -> str:
        await open_blobs(url, secret="").probe()  # only links are signed with it
        return "written, read and deleted"

    return await look("object store", at, to_do=to_do, limit_s=30)


async def check_openclaw() -> Finding:
    """Tell whether the OpenClaw gateway lets us in and has our agents."""
    agents = agents_of(load(AgentRunnerSettings))
    if "openclaw" not in agents:
        return skipped("OpenClaw", "OPENCLAW_URL is not set: the demo agent does the work")
    to_do = "start the gateway, or correct OPENCLAW_URL and OPENCLAW_TOKEN; runs wait until then"
    return await look("OpenClaw", agents["openclaw"].check, to_do=to_do)


def check_disk(values: Mapping[str, str], folder: Path | None) -> Iterator[Finding]:
    """Tell whether the disks that we write to have room."""
    urls = (values.get("BLOBS_URL", ""), values.get("NOTIFIER_MAIL_URL", ""))
    places = [folder_of(url) for url in urls]
    scratch = values.get("AGENT_RUNNER_SCRATCH_DIR")
    places += [Path(scratch)] if scratch else []
    disks: dict[int, Path] = {}
    for each in filter(None, [folder or Path.cwd(), *places]):
        there = next(parent for parent in (each, *each.absolute().parents) if parent.exists())
        disks.setdefault(there.stat().st_dev, there)
    for disk in disks.values():
        usage = shutil.disk_usage(disk)
        if usage.total:  # such as /proc has no size
            yield disk_finding(disk, usage.free, usage.total)


def disk_finding(disk: Path, free: int, total: int) -> Finding:
    """Tell whether so much free space is enough."""
    room = f"{free / 1e9:,.1f} GB free of {total / 1e9:,.1f} at {disk}"
    if free < FREE_BYTES_MIN or free < FREE_SHARE_MIN * total:
        to_do = "make room: databases and brokers stop when their disk is full"
        return broken("disk", room, to_do)
    return ok("disk", room)


def folder_of(url: str) -> Path | None:
    """Return the folder of a file URL, None of another."""
    return Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
