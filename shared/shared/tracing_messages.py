"""Messages in traces: each carries its place in its action's trace from the outbox to the handler and on.

A message's own span is a child of whoever published it, so that one trace shows the whole action; the batch in
which it happens to travel or to be handled is a trace of its own, and the two are linked.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanKind,
    Tracer,
    set_span_in_context,
)

from shared import tracing
from shared.bus import PublishFailed
from shared.events import Message

NAME_CHARS_MAX = 100
NOWHERE = Context()


@contextmanager
def sending(service: str, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Trace the publishing of a batch; yield the messages as they are to be sent."""
    state = tracing.TRACING.get()
    if state is None:
        yield messages
        return
    spans = [
        _begin(state.tracer, "send", SpanKind.PRODUCER, service, message) for message in messages
    ]
    with ExitStack() as stack:
        stack.enter_context(_confirmed(spans))
        if len(spans) > 1:
            made = [Link(each.get_span_context()) for each in spans]
            batch = _batch(state.tracer, "send", SpanKind.CLIENT, service, made)
            stack.enter_context(tracing.ending(batch))
            _link(spans, batch)
        yield _marked(messages, spans)


@contextmanager
def processing(service: str, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Trace the handling of a batch; yield the messages as what is published in answer to them shall see them."""
    state = tracing.TRACING.get()
    if state is None:
        yield messages
        return
    spans = [
        _begin(state.tracer, "process", SpanKind.CONSUMER, service, message) for message in messages
    ]
    with ExitStack() as stack:
        stack.enter_context(tracing.ending(*spans))
        around = spans[0]
        if len(spans) > 1:
            sent = [tracing.remote_context(each.headers.get("traceparent")) for each in messages]
            links = [Link(context) for context in sent if context is not None]
            around = _batch(state.tracer, "process", SpanKind.CONSUMER, service, links)
            stack.enter_context(tracing.ending(around))
            _link(spans, around)
        stack.enter_context(tracing.being_current(around))
        yield _marked(messages, spans)


@contextmanager
def _confirmed(spans: Sequence[Span]) -> Iterator[None]:
    """End the spans of a batch, those failed that the bus did not confirm."""
    try:
        yield
    except PublishFailed as failure:
        for index in failure.reasons:
            tracing.fail(spans[index], "PublishFailed")
        raise
    except BaseException as flaw:
        for each in spans:
            tracing.fail(each, type(flaw).__name__)
        raise
    finally:
        for each in spans:
            each.end()


def _begin(tracer: Tracer, operation: str, kind: SpanKind, service: str, message: Message) -> Span:
    remote = tracing.remote_context(message.headers.get("traceparent"))
    parent = set_span_in_context(NonRecordingSpan(remote), NOWHERE) if remote else NOWHERE
    return tracer.start_span(
        f"{operation} {_plain(message.name)}",
        context=parent,
        kind=kind,
        attributes={
            tracing.SERVICE: service,
            "messaging.operation.type": operation,
            "messaging.destination.name": _plain(message.name),
            "messaging.message.id": _plain(message.headers.get("ce-id")),
            "correlation.id": _plain(message.headers.get("ce-correlationid")),
            "messaging.message.body.size": len(message.body),
        },
    )


def _batch(
    tracer: Tracer, operation: str, kind: SpanKind, service: str, links: Sequence[Link]
) -> Span:
    attributes: dict[str, str | int] = {
        tracing.SERVICE: service,
        "messaging.operation.type": operation,
        "messaging.batch.message_count": len(links),
    }
    return tracer.start_span(
        f"{operation} batch", context=NOWHERE, kind=kind, attributes=attributes, links=links
    )


def _plain(text: str | None) -> str:
    """Return a name or an id as it came if it looks like one; nobody has read the message yet."""
    return text if text and text.isascii() and len(text) <= NAME_CHARS_MAX else "unknown"


def _link(spans: Sequence[Span], batch: Span) -> None:
    for each in spans:
        each.add_link(batch.get_span_context())


def _marked(messages: Sequence[Message], spans: Sequence[Span]) -> list[Message]:
    return [
        replace(
            message,
            headers={
                **message.headers,
                "traceparent": tracing.traceparent(span.get_span_context()),
            },
        )
        for message, span in zip(messages, spans, strict=True)
    ]
