"""An OpenClaw gateway in this process: the used part of its protocol, with the model played by a test.

It behaves as measured at the real one: sessions survive a crash and runs do not, the device that
began a run is the one that may end it, a key whose message was never read is refused after a crash.
"""

import asyncio
import base64
import hashlib
import http
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

TOKEN = "the-gateway-token"
AGENTS = ("writer", "researcher")


class Declined(Exception):
    """An error frame in the making."""

    def __init__(self, code: str, message: str, /, **details: str) -> None:
        super().__init__(message)
        self.shape = {"code": code, "message": message, "details": details}


@dataclass
class Run:
    """A run that the test plays the agent of."""

    id: str
    session: "Session"
    device: str | None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Session:
    """What the gateway keeps on its disk."""

    key: str
    agent_id: str
    cwd: str | None
    status: str | None = None
    last_run_id: str | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)
    interrupted: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    run: Run | None = None
    late_count: int = 0

    def add(self, role: str, text: str, key: str | None = None) -> None:
        origin = {"id": f"message-{len(self.messages)}"}
        message = {"role": role, "content": [{"type": "text", "text": text}], "__openclaw": origin}
        self.messages.append(message | ({"idempotencyKey": key} if key else {}))


class FakeGateway:
    """The server and its state; tests read `sessions`, `orders` and `aborted`."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.orders: list[dict[str, Any]] = []
        self.aborted: list[str] = []
        self.requests: list[str] = []
        self.places: dict[str, str | None] = {}
        self.scopes = ["operator.read", "operator.write"]
        self._connections: dict[ServerConnection, str] = {}
        self._changed = asyncio.Condition()
        self._recoveries = itertools.count(1)
        self._server: Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await serve(
            self._serve, "127.0.0.1", self._port, process_request=self._media, compression=None
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    # What a test does

    async def until(self, condition: Callable[[], object]) -> None:
        """Return when the condition holds; it is looked at with every request and answer."""
        async with self._changed:
            await self._changed.wait_for(condition)

    async def next_run(self) -> Run:
        """The run that is under way, or the next one to start."""
        await self.until(self._active)
        return self._active()[0]

    async def say(self, run: Run, text: str) -> None:
        await self._announce(run, "assistant", {"text": text, "delta": text})

    async def use_tool(self, run: Run, title: str) -> None:
        data = {"kind": "tool", "phase": "start", "name": "write", "title": title}
        await self._announce(run, "item", data)

    def finish(self, run: Run, answer: str, files: dict[str, bytes] | None = None) -> None:
        run.session.files |= files or {}
        run.session.add("assistant", answer)
        self._end(run, "done")

    def fail(self, run: Run, complaint: str, status: str = "failed") -> None:
        run.session.add("assistant", complaint, f"{run.id}:terminal-error")
        self._end(run, status)

    async def drop_connections(self) -> None:
        for connection in tuple(self._connections):
            await connection.close(1012, "service restart")

    async def crash(self, *, is_message_read: bool = True) -> None:
        """Lose every run, as SIGKILL does, and come back."""
        for run in self._active():
            run.session.run = None
            if is_message_read:
                run.session.status = "running"
            else:
                run.session.interrupted.append(run.id)
                run.session.messages.clear()
        await self.stop()
        await self.start()

    def recover(self, session: Session) -> Run:
        """Resume the session's lost run under a new id, as the gateway does after a crash."""
        session.add("user", "[System] Your previous turn was interrupted by a gateway restart.")
        session.run = Run(f"recovered-{next(self._recoveries)}", session, device=None)
        return session.run

    def begin(self, task_id: object, attempt: int, agent_id: str = "writer") -> Run:
        """A run that somebody began before the test."""
        key = f"agent:{agent_id}:task:{task_id}"
        session = self.sessions[key] = Session(key, agent_id, cwd=None)
        return self._begin(session, f"{task_id}:{attempt}", "Find leads", device=None)

    # What a client asks

    async def _serve(self, connection: ServerConnection) -> None:
        challenge = {"nonce": "a-nonce", "ts": 1795228018829}
        event = {"type": "event", "event": "connect.challenge", "payload": challenge}
        await connection.send(json.dumps(event))
        requests: set[asyncio.Task[None]] = set()
        try:
            async for raw in connection:
                requests.add(asyncio.create_task(self._answer(connection, json.loads(raw))))
        except ConnectionClosed:
            pass
        finally:
            self._connections.pop(connection, None)
            for request in requests:
                request.cancel()
            await asyncio.gather(*requests, return_exceptions=True)

    async def _answer(self, connection: ServerConnection, frame: dict[str, Any]) -> None:
        method, params = frame["method"], frame["params"]
        async with self._changed:
            self.requests.append(method)
            self.places[method] = frame.get("traceparent")
            self._changed.notify_all()
        reply: dict[str, Any] = {"type": "res", "id": frame["id"]}
        try:
            if method == "connect":
                payload = self._connect(connection, params)
            elif method == "agent.wait":
                payload = await self._wait(params)
            else:
                payload = self._METHODS[method](self, self._connections[connection], params)
        except Declined as error:
            reply |= {"ok": False, "error": error.shape}
        else:
            reply |= {"ok": True, "payload": payload}
        await connection.send(json.dumps(reply))
        async with self._changed:
            self._changed.notify_all()
        if method == "agent" and reply["ok"]:
            await self._say_the_end(connection, frame["id"], payload["runId"])

    def _connect(self, connection: ServerConnection, params: dict[str, Any]) -> dict[str, Any]:
        if params["auth"]["token"] != TOKEN:
            raise Declined("INVALID_REQUEST", "unauthorized", code="AUTH_TOKEN_MISMATCH")
        device = params["device"]
        public = base64.urlsafe_b64decode(device["publicKey"] + "=")
        assert hashlib.sha256(public).hexdigest() == device["id"]
        client, scopes = params["client"], ",".join(params["scopes"])
        parts = ("v3", device["id"], client["id"], client["mode"], params["role"], scopes)
        rest = ("1795228018829", TOKEN, "a-nonce", client["platform"], "")
        signature = base64.urlsafe_b64decode(device["signature"] + "==")
        Ed25519PublicKey.from_public_bytes(public).verify(
            signature, "|".join((*parts, *rest)).encode()
        )
        self._connections[connection] = device["id"]
        return {"type": "hello-ok", "protocol": 4, "auth": {"scopes": self.scopes}}

    def _agents(self, _device: str, _params: dict[str, Any]) -> dict[str, Any]:
        return {"agents": [{"id": name, "workspace": f"/workspaces/{name}"} for name in AGENTS]}

    def _create(self, _device: str, params: dict[str, Any]) -> dict[str, Any]:
        if params["agentId"] not in AGENTS:
            raise Declined("INVALID_REQUEST", f'Unknown agent id "{params["agentId"]}"')
        session = Session(params["key"], params["agentId"], params.get("cwd"))
        self.sessions.setdefault(params["key"], session)
        return {"ok": True, "key": params["key"]}

    def _history(self, _device: str, params: dict[str, Any]) -> dict[str, Any]:
        session = self.sessions.get(params["sessionKey"])
        if session is None:
            return {"messages": [], "sessionInfo": {"hasActiveRun": False, "activeRunIds": []}}
        run = session.run
        info = {"status": "running" if run else session.status, "hasActiveRun": bool(run)}
        info |= {"lastRunId": session.last_run_id} if session.last_run_id else {}
        info |= {"model": "fake-1", "inputTokens": 200, "outputTokens": 20}
        pending = [{"state": "interrupted", "runId": run_id} for run_id in session.interrupted]
        return {
            "sessionId": f"id of {session.key}",
            "messages": self._read(session),
            "pendingInputs": {"items": pending},
            "sessionInfo": info,
            **({"inFlightRun": {"runId": run.id, "text": ""}} if run else {}),
        }

    def _read(self, session: Session) -> list[dict[str, Any]]:
        """The transcript, once without the lines that came while it was read."""
        late_count, session.late_count = session.late_count, 0
        return session.messages[: len(session.messages) - late_count]

    def _message(self, _device: str, params: dict[str, Any]) -> dict[str, Any]:
        messages = self.sessions[params["sessionKey"]].messages
        found = [m for m in messages if m["__openclaw"]["id"] == params["messageId"]]
        return {"ok": True, "message": found[0]}

    def _agent(self, device: str, params: dict[str, Any]) -> dict[str, Any]:
        session, key = self.sessions[params["sessionKey"]], params["idempotencyKey"]
        if key in session.interrupted:
            raise Declined("UNAVAILABLE", "Pending input ownership ended; submit a new turn")
        if session.run and session.run.id == key:
            return {"runId": key, "status": "in_flight"}
        self.orders.append(params)
        self._begin(session, key, params["message"], device)
        return {"runId": key, "status": "accepted"}

    async def _wait(self, params: dict[str, Any]) -> dict[str, Any]:
        runs = [run for run in self._active() if run.id == params["runId"]]
        if not runs:
            return {"runId": params["runId"], "status": "timeout"}
        await runs[0].ended.wait()
        return {"runId": params["runId"], "status": "ok", "endedAt": 1795228018829}

    def _abort(self, device: str, params: dict[str, Any]) -> dict[str, Any]:
        run = self.sessions[params["key"]].run
        if run is None or run.id != params["runId"]:
            return {"ok": True, "abortedRunId": None, "status": "no-active-run"}
        if run.device and run.device != device:
            raise Declined("INVALID_REQUEST", "unauthorized")
        self.aborted.append(run.id)
        self._end(run, "killed")
        return {"ok": True, "abortedRunId": run.id, "status": "aborted"}

    def _files(self, _device: str, params: dict[str, Any]) -> dict[str, Any]:
        session, folder = self.sessions[params["sessionKey"]], params["path"]
        prefix = f"{folder}/" if folder else ""
        entries: dict[str, dict[str, Any]] = {}
        for path, content in session.files.items():
            name, *below = path.removeprefix(prefix).split("/")
            if path.startswith(prefix):
                kind = {"kind": "directory"} if below else {"kind": "file", "size": len(content)}
                entries[name] = {"path": f"{prefix}{name}", "name": name, **kind}
        browser = {"path": folder, "entries": list(entries.values())}
        return {"files": [], **({"browser": browser} if entries else {})}

    _METHODS = {
        "agents.list": _agents,
        "sessions.create": _create,
        "chat.history": _history,
        "chat.message.get": _message,
        "agent": _agent,
        "sessions.abort": _abort,
        "sessions.files.list": _files,
    }

    def _media(self, connection: ServerConnection, request: Request) -> Response | None:
        if not request.path.startswith("/__openclaw__/assistant-media"):
            return None
        asked = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, "Unauthorized")
        session = self.sessions.get(asked["sessionKey"])
        if session is None or asked["source"] not in session.files:
            return connection.respond(http.HTTPStatus.NOT_FOUND, "Not Found")
        content = session.files[asked["source"]]
        headers = Headers({"Content-Length": str(len(content)), "Connection": "close"})
        return Response(200, "OK", headers, content)

    # How a run goes

    def _active(self) -> list[Run]:
        return [session.run for session in self.sessions.values() if session.run]

    def _begin(self, session: Session, key: str, message: str, device: str | None) -> Run:
        session.add("user", message, f"{key}:user")
        session.run = Run(key, session, device)
        return session.run

    def _end(self, run: Run, status: str) -> None:
        run.session.run = None
        run.session.status = status
        run.session.last_run_id = run.id
        run.ended.set()

    async def _say_the_end(self, connection: ServerConnection, frame_id: str, run_id: str) -> None:
        for run in self._active():
            if run.id == run_id:
                await run.ended.wait()
        final = {"runId": run_id, "status": "ok", "summary": "completed"}
        frame = {"type": "res", "id": frame_id, "ok": True, "payload": final}
        await connection.send(json.dumps(frame))

    async def _announce(self, run: Run, stream: str, data: dict[str, Any]) -> None:
        payload = {"runId": run.id, "sessionKey": run.session.key, "stream": stream, "data": data}
        event = json.dumps({"type": "event", "event": "agent", "payload": payload})
        for connection in tuple(self._connections):
            await connection.send(event)
