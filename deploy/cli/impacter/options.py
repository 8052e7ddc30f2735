"""Arguments and options that several commands have."""

from enum import StrEnum
from typing import Annotated

import typer

LIMIT = 1000

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="ORIGIN",
        help="Where the gateway is; else SITE_URL, else http://127.0.0.1:$PORT (8080).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the API's JSON.")]
Limit = Annotated[
    int, typer.Option("--limit", min=1, metavar="N", help="At most so many, newest first.")
]
Who = Annotated[str, typer.Argument(metavar="WHO", help="An e-mail address, or an id like usr_….")]
PaymentId = Annotated[str, typer.Argument(metavar="PAYMENT", help="An id like pay_….")]


class ServiceName(StrEnum):
    """The services."""

    AUTH = "auth"
    BILLING = "billing"
    TASKS = "tasks"
    NOTIFIER = "notifier"
    AGENT_RUNNER = "agent-runner"
