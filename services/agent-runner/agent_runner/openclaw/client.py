"""A connection to an OpenClaw gateway: requests with answers, and the events in between."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import WebSocketException

from agent_runner.openclaw.device import CLIENT, Device
from agent_runner.openclaw.limits import Limits
from agent_runner.openclaw.protocol import (
    PROTOCOL,
    SCOPES,
    AgentEvent,
    Challenge,
    Frame,
    GatewayError,
    GatewayUnreachable,
    Hello,
    Payload,
)
from shared import tracing

CHALLENGE = "connect.challenge"

P = TypeVar("P", bound=Payload)
Hear = Callable[[AgentEvent], None]


@dataclass(frozen=True, slots=True)
class Access:
    """Where the gateway is, and the secret that opens it."""

    url: str
    token: str
    limits: Limits


@asynccontextmanager
async def connect(access: Access, hear: Hear) -> AsyncIterator["Gateway"]:
    """An open connection; every event of any agent goes to `hear`, which must not block."""
    async with await _open(access) as socket:
        gateway = Gateway(socket, hear, access.limits.answer_s)
        reading = asyncio.create_task(gateway.read())
        try:
            await gateway.introduce(access)
            yield gateway
        finally:
            reading.cancel()
            await asyncio.wait({reading})


async def _open(access: Access) -> ClientConnection:
    try:
        return await open_socket(
            access.url,
            open_timeout=access.limits.connect_s,
            close_timeout=1,
            ping_interval=access.limits.silence_s,
            ping_timeout=access.limits.silence_s,
            max_size=access.limits.frame_bytes_max,
            compression=None,  # the gateway has none
            proxy=None,
        )
    except (OSError, TimeoutError, WebSocketException) as error:
        raise GatewayUnreachable(str(error)) from error


class Gateway:
    """One authenticated connection."""

    def __init__(self, socket: ClientConnection, hear: Hear, answer_s: float) -> None:
        self._socket = socket
        self._hear = hear
        self._answer_s = answer_s
        self._ids = itertools.count(1)
        self._answers: dict[str, asyncio.Future[Frame]] = {CHALLENGE: _future()}

    async def request(
        self,
        method: str,
        params: Mapping[str, object],
        answer: type[P],
        *,
        within_s: float | None = None,
    ) -> P:
        """Ask for something and return the answer; GatewayError if it is declined."""
        frame_id = str(next(self._ids))
        coming = self._answers[frame_id] = _future()
        frame = {"type": "req", "id": frame_id, "method": method, "params": params}
        if place := tracing.current():
            # The gateway's own traces, and its calls to the model, go on from it.
            frame["traceparent"] = place
        try:
            await self._say(frame)
            reply = await self._within(coming, within_s or self._answer_s)
        finally:
            del self._answers[frame_id]
        if not reply.ok:
            raise GatewayError.of(reply)
        return _shaped(reply.payload, answer)

    async def introduce(self, access: Access) -> None:
        """Answer the gateway's challenge; the connection is of no use before."""
        opening = await self._within(self._answers[CHALLENGE], access.limits.connect_s)
        challenge = _shaped(opening.payload, Challenge)
        hello = await self.request("connect", _introduction(access.token, challenge), Hello)
        if not set(SCOPES) <= set(hello.auth.scopes):
            raise GatewayError("NOT_PAIRED", "the gateway lets us in but grants us nothing")

    async def read(self) -> None:
        """Pass on what the gateway says until the connection ends; then all who wait are told."""
        reason = "the connection was closed"
        try:
            async for raw in self._socket:
                self._take(Frame.model_validate_json(raw))
        except (OSError, WebSocketException) as error:
            reason = str(error)
        except ValidationError as error:
            reason = str(error)
            await self._socket.close()
        finally:
            for waiting in self._answers.values():
                if not waiting.done():
                    waiting.set_exception(GatewayUnreachable(reason))

    def _take(self, frame: Frame) -> None:
        if frame.event == "agent":
            self._hear(AgentEvent.model_validate(frame.payload))
            return
        name = frame.id if frame.type == "res" else frame.event
        waiting = self._answers.get(name or "")
        if waiting and not waiting.done():
            waiting.set_result(frame)
        # `agent` is answered twice, when accepted and at the end. The second frame says what
        # agent.wait and the transcript say too, and they also say it after a reconnect.

    async def _say(self, frame: Mapping[str, object]) -> None:
        try:
            async with asyncio.timeout(self._answer_s):
                await self._socket.send(json.dumps(frame))
        except (OSError, TimeoutError, WebSocketException) as error:
            raise GatewayUnreachable(str(error)) from error

    async def _within(self, coming: asyncio.Future[Frame], limit_s: float) -> Frame:
        try:
            async with asyncio.timeout(limit_s):
                return await coming
        except TimeoutError as error:
            raise GatewayUnreachable("the gateway does not answer") from error


def _future() -> asyncio.Future[Frame]:
    """An answer to come; that it fails is no news where nobody waits for it any more."""
    coming: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
    coming.add_done_callback(lambda done: done.cancelled() or done.exception())
    return coming


def _introduction(token: str, challenge: Challenge) -> dict[str, object]:
    return {
        "minProtocol": PROTOCOL,
        "maxProtocol": PROTOCOL,
        "client": CLIENT,
        "role": "operator",
        "scopes": SCOPES,
        "caps": (),
        "auth": {"token": token},
        "device": Device.of(token).proof(challenge),
    }


def _shaped(payload: object, shape: type[P]) -> P:
    try:
        return shape.model_validate(payload)
    except ValidationError as error:
        raise GatewayError("MALFORMED", f"{shape.__name__}: {error}") from error
