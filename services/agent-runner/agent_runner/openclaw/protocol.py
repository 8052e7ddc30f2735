"""The part of OpenClaw's gateway protocol, version 4, that the runner uses, as types."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

PROTOCOL = 4
SCOPES = ("operator.read", "operator.write")


class GatewayUnreachable(Exception):
    """No connection, or none any more; what was asked may or may not have been done."""


class GatewayError(Exception):
    """The gateway understood and declined."""

    def __init__(self, code: str, message: str, details: object = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details = details if isinstance(details, dict) else {}
        self.is_retryable = code == "UNAVAILABLE"

    @classmethod
    def of(cls, frame: "Frame") -> Self:
        """The error that a declining frame carries."""
        shape = frame.error or ErrorShape(code="UNKNOWN", message="no reason given")
        error = cls(shape.code, shape.message, shape.details)
        error.is_retryable = error.is_retryable or shape.retryable
        return error

    @property
    def reason(self) -> str:
        """The most exact code there is."""
        return str(self.details.get("code", self.code))


class Payload(BaseModel):
    """What all shapes have in common: camelCase outside, unknown fields ignored."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True)


class ErrorShape(Payload):
    """Why the gateway declined."""

    code: str
    message: str
    details: Any = None
    retryable: bool = False


class Frame(Payload):
    """Anything the gateway says: `res` answers the request with the same id, `event` is unasked."""

    type: str
    id: str | None = None
    event: str | None = None
    ok: bool = False
    payload: Any = None
    error: ErrorShape | None = None


class Challenge(Payload):
    """The gateway's first words; the device signs them."""

    nonce: str
    ts: int


class Granted(Payload):
    """What this connection may do."""

    scopes: tuple[str, ...] = ()


class Hello(Payload):
    """The gateway lets us in."""

    auth: Granted


class Done(Payload):
    """An answer of which only the arrival matters."""


class Accepted(Payload):
    """A run was taken on, or was already; it bears the idempotency key as its id."""

    run_id: str
    status: str


class Waited(Payload):
    """The end of a run if `ended_at` is there; else the end of our patience, or an unknown run."""

    run_id: str
    status: str
    ended_at: int | None = None


class AgentEvent(Payload):
    """A sign of life of any session's run."""

    stream: str
    session_key: str = ""
    data: dict[str, Any] = Field(default_factory=dict)


class Agent(Payload):
    """One configured agent and the folder it works in."""

    id: str
    workspace: str | None = None


class Roster(Payload):
    """The agents that the gateway has."""

    agents: tuple[Agent, ...]


class Provenance(Payload):
    """Where a message stands in the transcript."""

    id: str | None = None


class Message(Payload):
    """A line of the transcript; long ones are cut short."""

    role: str
    content: Any = None
    idempotency_key: str | None = None
    origin: Provenance = Field(default=Provenance(), alias="__openclaw")

    @property
    def text(self) -> str:
        """The text without tool calls and other blocks."""
        if isinstance(self.content, str):
            return self.content
        blocks = self.content if isinstance(self.content, list) else []
        return "".join(block.get("text", "") for block in blocks if block.get("type") == "text")


class FullMessage(Payload):
    """One message uncut, if the gateway still has it."""

    message: Message | None = None


class PendingInput(Payload):
    """A message the session has not read yet: queued, interrupted or cancelled."""

    state: str
    run_id: str | None = None


class PendingInputs(Payload):
    """The messages the session has not read yet."""

    items: tuple[PendingInput, ...] = ()


class SessionInfo(Payload):
    """The session's row: how its latest run ended, or that one is active; what it took is for traces alone."""

    status: str | None = None
    last_run_id: str | None = None
    has_active_run: bool = False
    active_run_ids: tuple[str, ...] | None = None
    model: Any = None
    input_tokens: Any = None
    output_tokens: Any = None


class InFlightRun(Payload):
    """A run that is being worked on, with its text so far."""

    run_id: str
    text: str = ""


class History(Payload):
    """All that survives a restart of the gateway: the row and the transcript."""

    session_id: str | None = None
    messages: tuple[Message, ...] = ()
    pending_inputs: PendingInputs = PendingInputs()
    session_info: SessionInfo = SessionInfo()
    in_flight_run: InFlightRun | None = None


class Entry(Payload):
    """A file or a folder of a session."""

    path: str
    kind: str
    size: int | None = None

    @property
    def is_folder(self) -> bool:
        """Whether there may be more below it."""
        return self.kind == "directory"


class Folder(Payload):
    """One folder's entries."""

    entries: tuple[Entry, ...] = ()


class FileListing(Payload):
    """A folder of the session; nothing when there is no such folder."""

    browser: Folder = Folder()
