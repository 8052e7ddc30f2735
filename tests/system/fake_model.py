"""A language model on loopback that does what markers in the prompt say, for real agents.

It speaks the streaming half of the OpenAI chat API. The newest user message with markers counts:

    [[WRITE path|content]]   calls the tool `write`, then goes on with the other markers
    [[TOOL name {...}]]      calls any tool with these arguments, then goes on
    [[SLOW n]]               speaks one word a second, n seconds long
    [[HANG n]]               sends headers, then nothing for n seconds
    [[ERR 500]]              answers with this HTTP status
    [[SAY text]]             answers with this text
    [[LONG n]]               answers with n characters
"""

import asyncio
import json
import re
import socket
import threading
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

DEFAULT_ANSWER = "The task is done."
USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}


@dataclass
class ModelCall:
    """One request that reached the model; `is_dropped` when the caller hung up before the end."""

    prompt: str
    tools: frozenset[str]
    tool_results: tuple[str, ...]
    is_dropped: bool = field(default=False)
    traceparent: str | None = field(default=None)


class FakeModel:
    """The model as a context manager; it runs in a thread of its own, for any event loop."""

    def __init__(self) -> None:
        self.calls: list[ModelCall] = []
        routes = [Route("/v1/chat/completions", self._complete, methods=["POST"])]
        config = uvicorn.Config(Starlette(routes=routes), log_level="error", lifespan="off")
        self._server = uvicorn.Server(config)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    @property
    def base_url(self) -> str:
        """What an OpenAI client calls its base URL."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    def calls_with(self, text: str) -> list[ModelCall]:
        """The calls whose prompt contains the text."""
        return [call for call in self.calls if text in call.prompt]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(timeout=10)

    async def _complete(self, request: Request) -> Response:
        call = _read(await request.json())
        call.traceparent = request.headers.get("traceparent")
        self.calls.append(call)
        if error := re.search(r"\[\[ERR (\d+)\]\]", call.prompt):
            body = {"error": {"message": "the fake model was told to fail", "type": "server_error"}}
            return JSONResponse(body, status_code=int(error[1]))
        return StreamingResponse(_chunks(call), media_type="text/event-stream")


def _read(body: dict[str, Any]) -> ModelCall:
    messages = body["messages"]
    position = _position_of_prompt(messages)
    answered = [message for message in messages[position + 1 :] if message["role"] == "tool"]
    return ModelCall(
        prompt=_text(messages[position]),
        tools=frozenset(tool["function"]["name"] for tool in body.get("tools", ())),
        tool_results=tuple(_text(message) for message in answered),
    )


def _position_of_prompt(messages: list[dict[str, Any]]) -> int:
    """OpenClaw adds user messages of its own: the newest with a marker is meant."""
    users = [number for number, message in enumerate(messages) if message["role"] == "user"]
    marked = [number for number in users if "[[" in _text(messages[number])]
    return (marked or users)[-1]


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "\n".join(p.get("text", "") for p in content)


async def _chunks(call: ModelCall) -> AsyncIterator[str]:
    is_complete = False
    try:
        yield _chunk({"role": "assistant", "content": ""})
        if hang := re.search(r"\[\[HANG (\d+)\]\]", call.prompt):
            await asyncio.sleep(int(hang[1]))
        async for delta, finish in _speech(call):
            yield _chunk(delta, finish)
        yield f"data: {json.dumps({'choices': [], 'usage': USAGE})}\n\n"
        yield "data: [DONE]\n\n"
        is_complete = True
    finally:
        call.is_dropped = not is_complete


async def _speech(call: ModelCall) -> AsyncIterator[tuple[dict[str, Any], str | None]]:
    tools = _tool_calls(call.prompt)
    if len(call.tool_results) < len(tools):
        yield {"content": "Using a tool. "}, None
        yield {"tool_calls": [tools[len(call.tool_results)]]}, None
        yield {}, "tool_calls"
        return
    slow = re.search(r"\[\[SLOW (\d+)\]\]", call.prompt)
    for number in range(int(slow[1]) if slow else 0):
        await asyncio.sleep(1)
        yield {"content": f"word{number} "}, None
    yield {"content": _answer(call.prompt)}, None
    yield {}, "stop"


def _answer(prompt: str) -> str:
    if long := re.search(r"\[\[LONG (\d+)\]\]", prompt):
        return ("lorem ipsum\n" * int(long[1]))[: int(long[1])]
    said = re.search(r"\[\[SAY (.*?)\]\]", prompt, re.DOTALL)
    return said[1] if said else DEFAULT_ANSWER


def _tool_calls(prompt: str) -> list[dict[str, Any]]:
    pattern = r"\[\[(?:WRITE ([^|\]]+)\|(.*?)|TOOL (\w+) (\{.*?\}))\]\]"
    return [
        _tool_call("write", json.dumps({"path": path, "content": content}))
        if path
        else _tool_call(name, arguments)
        for path, content, name, arguments in re.findall(pattern, prompt, re.DOTALL)
    ]


def _tool_call(name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"index": 0, "id": f"call_{uuid.uuid4().hex}", "type": "function", "function": function}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 0}
    return f"data: {json.dumps(body | {'model': 'fake', 'choices': [choice]})}\n\n"
