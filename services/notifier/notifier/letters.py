"""What mails say: a subject and a pair of templates each, filled in and made into a mail.

A one-time link is opened here, in memory, and leaves in the mail alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError, select_autoescape

from notifier import addresses
from notifier.mailer import Mail
from notifier.models import Message
from shared.sealing import CannotOpen, Seal


class CannotWrite(Exception):
    """A message cannot be made into a mail as it is."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A kind of mail: its subject, and the page its link opens; a page may be opened by a token or for a task."""

    subject: str
    page: str
    opened_by: str | None = None


LETTERS: Mapping[str, Letter] = {
    "welcome": Letter("Welcome to ImpacterAGI!", "/claim", "token"),
    "claim": Letter("Your {{ credits | counted }} {{ credits | are }} waiting", "/claim", "token"),
    "verify": Letter("Confirm your e-mail address", "/verify", "token"),
    "reset": Letter("Reset your password", "/reset", "token"),
    "credits_added": Letter("{{ credits | counted }} added", "/dashboard"),
    "credits_revoked": Letter(
        "Your payment was {{ 'disputed' if kind == 'dispute' else 'refunded' }}", "/transactions"
    ),
    "credits_returned": Letter("{{ credits | counted }} given back", "/transactions"),
    "credits_expiring": Letter(
        "{{ credits | counted }} {{ 'expires' if credits == 1 else 'expire' }} on {{ day }}",
        "/dashboard",
    ),
    "credits_low": Letter("You have {{ available | counted }} left", "/credits"),
    "payment_failed": Letter("Your payment failed", "/credits"),
    "books_differ": Letter("The books of {{ day }} do not balance", "/admin/books"),
    "task_complete": Letter("Your task is complete", "/dashboard", "task"),
    "task_failed": Letter(
        "Your task could not be completed, nothing was charged", "/dashboard", "task"
    ),
}


class Letters:
    """Writes mails from messages, with links to the site and from one sender."""

    def __init__(self, *, site_url: str, sender: Address, seal: Seal) -> None:
        self._site_url = site_url.rstrip("/")
        self._sender = sender
        self._seal = seal
        self._templates = Environment(
            loader=PackageLoader("notifier"),
            autoescape=select_autoescape(["html"], default_for_string=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"counted": _counted, "are": _are}

    def write(self, message: Message, *, at: datetime) -> Mail:
        """Return the mail of a message, dated `at`; raise CannotWrite."""
        try:
            return self._write(message, at)
        except CannotOpen as flaw:
            reason = "its link cannot be opened with LINK_SEALING_KEY"
            raise CannotWrite(reason) from flaw
        except (TemplateError, MessageError, LookupError, TypeError, ValueError) as flaw:
            raise CannotWrite(f"{type(flaw).__name__}: {flaw}") from flaw

    def _write(self, message: Message, at: datetime) -> Mail:
        letter = LETTERS[message.template]
        recipient = addresses.recipient(message.to_address or "")
        values = {
            **message.parameters,
            "site_url": self._site_url,
            "link": self._link(letter, message),
        }
        values["subject"] = self._templates.from_string(letter.subject).render(values)
        content = self._content(message.template, values)
        content["From"] = self._sender
        content["To"] = recipient
        content["Date"] = at
        content["Message-ID"] = f"<{message.id.hex}@{self._sender.domain}>"
        content["Auto-Submitted"] = "auto-generated"
        return Mail(message.id, self._sender.addr_spec, recipient.addr_spec, content)

    def _content(self, template: str, values: Mapping[str, Any]) -> EmailMessage:
        content = EmailMessage(SMTP)
        content["Subject"] = values["subject"]
        text = self._render(f"{template}.txt", values)
        html = self._render(f"{template}.html", values)
        content.set_content(text, cte="quoted-printable")
        content.add_alternative(html, subtype="html", cte="quoted-printable")
        return content

    def _render(self, name: str, values: Mapping[str, Any]) -> str:
        return self._templates.get_template(name).render(values).strip() + "\n"

    def _link(self, letter: Letter, message: Message) -> str:
        page = f"{self._site_url}{letter.page}"
        match letter.opened_by:
            case "token":
                return f"{page}?{urlencode({'token': self._token(message)})}"
            case "task":
                return f"{page}?{urlencode({'task': message.parameters['task_id']})}"
            case _:
                return page

    def _token(self, message: Message) -> str:
        if message.sealed_token is None:
            reason = "its one-time link is gone"
            raise ValueError(reason)
        return self._seal.open(message.sealed_token)


def _counted(amount: int) -> str:
    return f"{amount:,} credit" if amount == 1 else f"{amount:,} credits"


def _are(amount: int) -> str:
    return "is" if amount == 1 else "are"
