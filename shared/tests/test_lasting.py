"""An answer that lasts goes on when the layers around it are done, and keeps nothing that they held."""

import gc
import weakref

import pytest

from shared.lasting import Lasting, afterwards


class Held:
    """Something that a layer keeps for as long as it waits."""


async def called(app, *, sent, scope=None):
    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    await Lasting(app)(
        scope if scope is not None else {"type": "http", "method": "GET"}, receive, send
    )


async def test_the_rest_is_sent_when_the_layers_are_done_past_what_they_put_around_send():
    sent = []

    async def layered(scope, receive, send):
        async def marking(message):
            await send({**message, "is_marked": True})

        async def rest(receive, send):
            sent.append("layers are done")
            await send({"type": "http.response.body", "heard": await receive()})

        await marking({"type": "http.response.start"})
        afterwards(scope, rest)
        sent.append("layers end")

    await called(layered, sent=sent)

    assert sent == [
        {"type": "http.response.start", "is_marked": True},
        "layers end",
        "layers are done",
        {"type": "http.response.body", "heard": {"type": "http.disconnect"}},
    ]


async def test_what_the_request_came_with_is_free_while_the_rest_is_sent():
    alive, scope = (
        [],
        {"type": "http", "method": "HEAD", "headers": [(b"authorization", b"secret")]},
    )

    async def layered(scope, receive, send):
        held = Held()
        scope["state"] = held
        known = weakref.ref(held)

        async def rest(receive, send):
            gc.collect()
            alive.append(known())

        afterwards(scope, rest)

    await called(layered, sent=[], scope=scope)

    assert alive == [None]
    assert scope == {"method": "HEAD"}  # the server asks for it with each piece of a body


async def test_nothing_follows_an_answer_that_failed_or_said_all():
    sent = []

    async def failing(scope, receive, send):
        async def rest(receive, send):
            sent.append("never")

        afterwards(scope, rest)
        raise LookupError

    async def whole(scope, receive, send):
        await send("whole")

    with pytest.raises(LookupError):
        await called(failing, sent=sent)
    await called(whole, sent=sent)

    assert sent == ["whole"]
