"""E-mail addresses: the key by which two spellings are one mailbox, the same in every service.

assert email_key("Ada@Example.COM") == email_key(" ada@example.com")
assert email_key("ada@faß.de") == email_key("ada@xn--fa-hia.de") != email_key("ada@fass.de")
"""

import unicodedata

import idna


def email_key(address: str) -> str:
    """Return the key of an address: what is before the @ in lower case, the domain as DNS has it.

    Letters that only resemble each other stay apart: whoever owns one domain must not own what belongs to another.
    """
    local, at, domain = address.strip().rpartition("@")
    return unicodedata.normalize("NFC", local.lower()) + at + _as_dns_has_it(domain)


def _as_dns_has_it(domain: str) -> str:
    """Return a domain's A-labels (RFC 5891); what is no domain stays as it is, in lower case."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode().lower()
    except idna.IDNAError:
        return unicodedata.normalize("NFC", domain.lower())
