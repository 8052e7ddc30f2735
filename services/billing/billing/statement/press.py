"""The press: statements on paper are printed one at a time, beside the loop."""

import asyncio

from billing.statement.document import Document


class Press:
    """Prints PDFs, a second's work each; whoever asks meanwhile waits for the one before."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()

    async def pdf(self, document: Document) -> bytes:
        """Return a signed statement as PDF."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(_print, document)


def _print(document: Document) -> bytes:
    from billing.statement.paper import as_pdf  # noqa: PLC0415 - seconds of import, for few

    return as_pdf(document)
