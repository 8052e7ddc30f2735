"""A developer's mailbox: the mails that were written into a folder, as pages and as JSON."""

import asyncio
import re
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from pydantic import BaseModel, Field

from shared.errors import NotFound

MAILS_MAX = 200
NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
LINK = re.compile(r"https?://[^\s<>\"']+")
HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)

LEAVING = "allow-popups allow-top-navigation-by-user-activation"
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    f"form-action 'none'; frame-ancestors 'self'; sandbox {LEAVING}"
)
PAGE_POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; frame-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ReceivedMail(BaseModel):
    """A mail as scripts read it; `links` are those of its text, in their order."""

    name: str
    sender: str
    to: str
    subject: str
    date: datetime
    text: str
    links: list[str]
    html: str | None = Field(exclude=True)


def routes(folder: Path) -> APIRouter:
    """Return the pages of the mailbox that this folder is."""
    router = APIRouter(prefix="/dev/mailbox", include_in_schema=False)

    @router.get(".json", operation_id="list_mails_as_json")
    async def list_as_json() -> list[ReceivedMail]:
        """The newest mails, newest first, with their text and links."""
        return await asyncio.to_thread(_newest, folder)

    @router.get("", operation_id="show_mails", response_class=HTMLResponse)
    async def show_list() -> HTMLResponse:
        """The newest mails, newest first: recipient, subject, time."""
        return _page("mailbox.html", mails=await asyncio.to_thread(_newest, folder))

    @router.get("/{name}", operation_id="show_mail", response_class=HTMLResponse)
    async def show_mail(name: str) -> HTMLResponse:
        """One mail: its HTML in a frame that can only be looked at and left, and its text."""
        mail = await asyncio.to_thread(_read, folder, name)
        return _page("mail.html", mail=mail, leaving=LEAVING)

    @router.get("/{name}/html", operation_id="show_mail_html", response_class=HTMLResponse)
    async def show_html(name: str) -> HTMLResponse:
        """The HTML of one mail; its links open in the whole window."""
        mail = await asyncio.to_thread(_read, folder, name)
        if mail.html is None:
            raise NotFound
        headers = {**HEADERS, "Content-Security-Policy": MAIL_POLICY}
        return HTMLResponse(_left_by_the_top(mail.html), headers=headers)

    return router


PAGES = Environment(
    loader=PackageLoader("embedded"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _page(template: str, **values: Any) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    text = PAGES.get_template(template).render(nonce=nonce, **values)
    policy = PAGE_POLICY.format(nonce=nonce)
    return HTMLResponse(text, headers={**HEADERS, "Content-Security-Policy": policy})


def _newest(folder: Path) -> list[ReceivedMail]:
    names = sorted((path.stem for path in folder.glob("*.eml")), reverse=True)
    mails: list[ReceivedMail] = []
    for name in names[:MAILS_MAX]:
        with suppress(NotFound):  # not a mail's name, or deleted meanwhile
            mails.append(_read(folder, name))
    return mails


def _read(folder: Path, name: str) -> ReceivedMail:
    """Return the mail of this name; raise NotFound, also for what cannot be a name."""
    path = folder / f"{name}.eml"
    if not NAME.fullmatch(name) or not path.is_file():
        raise NotFound
    mail = message_from_bytes(path.read_bytes(), policy=default)
    text = (_part(mail, "plain") or "").replace("\r\n", "\n")
    return ReceivedMail(
        name=name,
        sender=_header(mail, "from"),
        to=_header(mail, "to"),
        subject=_header(mail, "subject"),
        date=_date(mail, path),
        text=text,
        links=LINK.findall(text),
        html=_part(mail, "html"),
    )


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return str(mail[name] or "")
    except (AttributeError, LookupError, ValueError):  # the standard library's parser fails on some
        return ""


def _date(mail: EmailMessage, path: Path) -> datetime:
    date: datetime | None = getattr(mail["date"], "datetime", None)
    if date is None:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return date.astimezone(UTC)


def _part(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    if part is None:
        return None
    payload = part.get_payload(decode=True)
    return payload.decode(errors="replace") if isinstance(payload, bytes) else None


def _left_by_the_top(html: str) -> str:
    """Let the links open in the whole window, as they would from a mail program."""
    target = '<base target="_top">'
    head = HEAD.search(html)
    return html[: head.end()] + target + html[head.end() :] if head else target + html
