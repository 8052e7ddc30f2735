"""The key of an address: one for every spelling of a mailbox, another for every other mailbox."""

import pytest

from shared.addresses import email_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.COM", " ada@example.com "),
        ("ada@fa\u00df.de", "ADA@xn--fa-hia.DE"),
        ("jos\u00e9@example.com", "jose\u0301@example.com"),
        ("ada@b\u00fccher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_spellings_of_one_mailbox_have_one_key(one, other):
    assert email_key(one) == email_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ceo@fa\u00df.de", "ceo@fass.de"),
        ("stra\u00dfe@example.com", "strasse@example.com"),
        ("a\u03c2@example.com", "a\u03c3@example.com"),
        ("ada@example.com", "ada@example.org"),
    ],
)
def test_mailboxes_that_only_look_alike_have_two(one, other):
    assert email_key(one) != email_key(other)


@pytest.mark.parametrize("text", ["", "@", "ada", "a@..", "a@" + "x" * 300, "a@b@c", "a@-\u200d"])
def test_what_is_no_address_has_a_key_all_the_same(text):
    assert email_key(text) == email_key(text.upper())
