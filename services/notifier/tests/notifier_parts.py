"""What the notifier's tests are made of: a clock, a mailer that remembers, one message of each kind."""

from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from uuid import UUID

from cryptography.fernet import Fernet

from notifier.letters import Letters
from notifier.mailer import Mail
from notifier.models import Message
from notifier.settings import NotifierSettings
from shared.clock import Ids
from shared.sealing import Seal
from shared.testing import ADMIN_KEY

SEALING_KEY = Fernet.generate_key().decode()
SITE = "https://impacter.example"
SENDER = Address("ImpacterAGI", addr_spec="hello@impacter.example")
TOKEN = "t0ken-that-nobody-may-read"
BEGINNING = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)

seal = Seal(SEALING_KEY)
ids = Ids()

PARAMETERS = {
    "welcome": {"credits": 1000},
    "claim": {"credits": 1000},
    "verify": {},
    "reset": {},
    "credits_added": {"credits": 500, "available": 1530},
    "credits_revoked": {"kind": "refund", "credits": 400, "owed": 100, "available": 30},
    "credits_returned": {"credits": 500, "available": 530},
    "credits_expiring": {"credits": 500, "day": "December 31, 2026", "time": "08:30"},
    "credits_low": {"available": 9},
    "payment_failed": {
        "plan": "Basic",
        "pay_url": "https://pay.example/invoice/in_1",
        "grace_until": "November 28, 2026",
    },
    "books_differ": {
        "day": "November 27, 2026",
        "found": [
            "tasks counts -3 captured",
            "a balance is the sum of its postings: broken 2 times",
        ],
    },
    "task_complete": {
        "task_id": "task_0192f0c1000070008000000000000001",
        "description": "Find me 100 leads in Miami: dentists with a website, name, e-mail and phone",
        "lines": [
            "Found 103 dentists in Miami.",
            "All of them have a website; 97 have a public e-mail address.",
            "The list is sorted by the number of reviews.",
            "…",
        ],
        "files": ["leads.csv", "how we searched.md"],
        "file_count": 12,
    },
    "task_failed": {
        "task_id": "task_0192f0c1000070008000000000000001",
        "description": "Find me 100 leads in Miami: dentists with a website",
        "reason": "The site that lists them did not answer for half an hour.",
    },
}


class TestClock:
    """A clock that moves when it is told to."""

    __test__ = False

    def __init__(self) -> None:
        self._now = BEGINNING

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class MemoryMailer:
    """A mailer that remembers what it accepted; `flaws` are raised first, one a mail."""

    def __init__(self) -> None:
        self.accepted: list[Mail] = []
        self.flaws: list[Exception] = []
        self.tries = 0

    async def send(self, mail: Mail) -> None:
        self.tries += 1
        if self.flaws:
            raise self.flaws.pop(0)
        self.accepted.append(mail)

    @property
    def subjects(self) -> list[str]:
        return sorted(str(mail.content["Subject"]) for mail in self.accepted)


def settings(
    database_url: str = "postgresql+asyncpg://nowhere/none", operator: str = ""
) -> NotifierSettings:
    """The settings of a notifier under test."""
    return NotifierSettings(
        site_url=SITE,
        jwks_url="http://test/.well-known/jwks.json",
        admin_api_key=ADMIN_KEY,
        database_url=database_url,
        mail_url="file:///nowhere",
        sender=str(SENDER),
        operator=operator,
        link_sealing_key=SEALING_KEY,
    )


def letters() -> Letters:
    return Letters(site_url=SITE + "/", sender=SENDER, seal=seal)


def message(template: str, *, to_address: str = "ada@example.com", **parameters: object) -> Message:
    """One message of a kind, as the database has it."""
    has_link = template in ("welcome", "claim", "verify", "reset")
    return Message(
        id=ids.new(),
        cause=f"test:{template}",
        template=template,
        user_id=UUID(int=7),
        to_address=to_address,
        parameters={**PARAMETERS[template], **parameters},
        sealed_token=seal.seal(TOKEN) if has_link else None,
        attempts=1,
    )


def html_of(content: EmailMessage) -> str:
    part = content.get_body(("html",))
    assert part is not None
    return part.get_content()


def text_of(content: EmailMessage) -> str:
    part = content.get_body(("plain",))
    assert part is not None
    return part.get_content()
