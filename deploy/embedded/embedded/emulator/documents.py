"""An invoice as a PDF: one page of plain text, which is all that a reader of it expects here."""

from datetime import UTC, datetime

from embedded.emulator.money import shown
from embedded.emulator.store import Body

LEADING = 16


def pdf(invoice: Body) -> bytes:
    """Return the document of an invoice."""
    text = "".join(f"({_escaped(line)}) Tj T*\n" for line in _lines(invoice))
    page = f"BT /F1 11 Tf {LEADING} TL 56 780 Td\n{text}ET".encode("latin-1", "replace")
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    return _assembled(parts)


def _lines(invoice: Body) -> list[str]:
    currency = invoice["currency"]
    created = datetime.fromtimestamp(invoice["created"], UTC).strftime("%d %B %Y")
    lines = [
        f"{line['description'] or '-'}: {shown(line['amount'], currency)}"
        for line in invoice["lines"]["data"]
    ]
    return [
        "Stripe emulator: no money moves.",
        "",
        f"Invoice {invoice['number'] or '(draft)'}, {created}, {invoice['status']}",
        f"From {invoice['account_name']}",
        f"To {invoice['customer_name'] or invoice['customer_email'] or invoice['customer']}",
        "",
        *lines,
        "",
        f"Total: {shown(invoice['total'], currency)}",
        f"Paid: {shown(invoice['amount_paid'], currency)}",
        f"To be paid: {shown(invoice['amount_remaining'], currency)}",
    ]


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _assembled(parts: list[bytes]) -> bytes:
    """Put the objects into a file, with the table that says where each begins."""
    document = b"%PDF-1.4\n"
    places = []
    for number, part in enumerate(parts, start=1):
        places.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(parts) + 1
    end = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return document + end % (count, table, count, len(document))
