"""Addresses of mails: what is one, and how it is written.

Not `email.headerregistry`'s own parser: it refuses addresses that exist, and fails on some that do not.
"""

import re
from email.headerregistry import Address

ADDRESS = re.compile(
    r"""(?!.*=\?)[^\s\x00-\x1f\x7f@<>()\[\]\\,;:"]{1,64}@[^\W_](?:[\w.-]{0,252}[^\W_])?"""
)
NAMED = re.compile(r"""(?:"(?P<quoted>[^"\\]*)"|(?P<plain>[^"\\<>]*?))\s*<(?P<address>[^<>]*)>""")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def recipient(text: str) -> Address:
    """Return the one address that the text is; raise ValueError for anything else."""
    if not ADDRESS.fullmatch(text):
        reason = "this is not one address"
        raise ValueError(reason)
    username, _, domain = text.rpartition("@")
    return Address(username=username, domain=_in_ascii(domain))


def sender(text: str) -> Address:
    """Return the address in `Name <name@example.com>` or of the whole text; raise ValueError."""
    named = NAMED.fullmatch(text)
    address = recipient(named["address"] if named else text)
    if CONTROL.search(text) or not address.addr_spec.isascii():
        reason = "a sender is written in one line and its address in ASCII"
        raise ValueError(reason)
    name = (named["quoted"] or named["plain"] or "") if named else ""
    return Address(name, address.username, address.domain)


def _in_ascii(domain: str) -> str:
    """Return the domain as DNS has it; as it is where Python's IDNA 2003 would make another one of it."""
    try:
        plain = domain.encode("idna").decode()
        is_the_same = plain.encode().decode("idna") == domain.lower()
    except UnicodeError:
        return domain
    return plain if is_the_same else domain
