"""`impacter verify`: files alone, or with the gateway's keys; every flaw has its place and its exit code."""

import base64
import hashlib
import json
from copy import deepcopy

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from impacter.main import app
from impacter.statements import canonical

ACCOUNT = "usr_019aa1b2c3d47e5f8a9b0c1d2e3f4a5b"
KEY = Ed25519PrivateKey.generate()


def encoded(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


PUBLIC = encoded(KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
KEY_SET = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": PUBLIC}]}
GENESIS = {"line": 0, "balance": 0, "hash": hashlib.sha256(ACCOUNT.encode()).hexdigest()}


def signed(statement):
    statement.pop("signature", None)
    value = encoded(KEY.sign(canonical(statement)))
    return statement | {"signature": {"algorithm": "Ed25519", "key_id": "k1", "value": value}}


def statement(*amounts, opening=GENESIS, month="01"):
    """A statement of these lines, as billing would issue it."""
    state, lines, totals = dict(opening), [], {}
    for amount in amounts:
        kind = "bonus" if amount > 0 else "capture"
        number, balance = state["line"] + 1, state["balance"] + amount
        line = {"line": number, "amount": amount, "balance_after": balance, "kind": kind}
        digest = hashlib.sha256(canonical(line | {"previous": state["hash"]})).hexdigest()
        lines.append(line | {"hash": digest})
        state = {"line": number, "balance": balance, "hash": digest}
        totals[kind] = totals.get(kind, 0) + amount
    period = {
        "from": f"2026-{month}-01T00:00:00.000000Z",
        "to": f"2026-{month}-28T00:00:00.000000Z",
    }
    return signed(
        {
            "format": "impacter.statement.v1", "issuer": "http://test", "account": ACCOUNT,
            "period": period, "issued_at": period["to"], "opening": opening, "closing": state,
            "totals": totals, "lines": lines,
        }
    )  # fmt: skip


@pytest.fixture
def verify(tmp_path, monkeypatch):
    """Runs `impacter verify` on statements, which become files, with the keys in a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys.json").write_text(json.dumps(KEY_SET))

    def run(*documents, exit_code=0, keys="keys.json", options=()):
        names = []
        for place, document in enumerate(documents):
            content = document if isinstance(document, str) else json.dumps(document, indent=2)
            names.append(f"s{place}.json")
            (tmp_path / names[-1]).write_text(content)
        asked = ["verify", *names, *(["--keys", keys] if keys else []), *options]
        result = CliRunner().invoke(app, asked)
        assert result.exit_code == exit_code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


def test_a_statement_as_it_was_issued_is_ok(verify):
    shown = verify(statement(100, -30)).stdout

    assert ACCOUNT in shown
    assert "2026-01-01 00:00:00 to 2026-01-28 00:00:00" in shown
    assert "ok" in shown


def test_statements_that_follow_one_another_are_ok(verify):
    first = statement(100, -30)
    second = statement(-7, opening=first["closing"], month="02")

    assert "not" not in verify(first, second).stdout


def test_a_changed_line_is_named(verify):
    forged = statement(100, -30, -5)
    forged["lines"][1]["amount"] = -20

    shown = verify(forged, exit_code=1).stdout

    assert "line 2: it was changed" in shown
    assert "line 3: it was changed" not in shown
    assert "signature: it is not over what stands here" in shown


def test_who_forges_a_whole_chain_has_no_key_to_sign_it(verify):
    forged = statement(100, -30)
    forged["lines"] = statement(100, -20)["lines"]
    forged["closing"], forged["totals"] = (
        statement(100, -20)["closing"],
        {"bonus": 100, "capture": -20},
    )

    found = json.loads(verify(forged, exit_code=1, options=["--json"]).stdout)

    assert found["statements"][0]["flaws"] == ["signature: it is not over what stands here"]


def test_what_is_missing_between_two_statements_is_named(verify):
    first, whole = statement(100), statement(100, -30, -5)
    state = {"line": 2, "balance": 70, "hash": whole["lines"][1]["hash"]}
    third = statement(-5, opening=state, month="03")

    shown = verify(first, third, exit_code=1).stdout

    assert "between them is missing: lines 2 to 2" in shown


def test_statements_that_overlap_or_are_of_two_accounts_do_not_follow(verify):
    first = statement(100, -30)
    other = signed(deepcopy(statement(100)) | {"account": "usr_" + "0" * 32})

    assert "both have lines 1 to 2" in verify(first, first, exit_code=1).stdout
    assert "two accounts" in verify(first, other, exit_code=1).stdout


def test_a_signature_of_an_unknown_key_is_none(verify, tmp_path):
    (tmp_path / "others.json").write_text(json.dumps({"keys": []}))

    shown = verify(statement(100), exit_code=1, keys="others.json").stdout

    assert "its key k1 is not among those given" in shown


@pytest.mark.parametrize(
    "content",
    [
        "", "nonsense", "[]", "{}", "[" * 100_000, '{"format": "impacter.statement.v1"}',
        json.dumps(statement(1)).replace("1,", "1.5,", 1),
        json.dumps(statement(1)).replace('"lines"', '"format": 1, "lines"', 1),
        json.dumps(statement(1)).replace('"amount": 1', '"amount": true'),
        json.dumps(statement(1)).replace('"amount": 1', '"amount": NaN'),
        json.dumps(statement(1) | {"lines": [1]}), json.dumps(statement(1) | {"closing": None}),
    ],
    ids=lambda content: content[:20],
)  # fmt: skip
def test_what_is_no_statement_is_one_sentence(verify, content):
    result = verify(content, exit_code=1)

    assert result.stderr.count("\n") == 1
    assert "s0.json" in result.stderr


@pytest.mark.parametrize("keys", ["nowhere.json", "s0.json", "http://127.0.0.1:1/keys"])
def test_keys_that_cannot_be_had_are_one_sentence(verify, keys):
    assert verify(statement(1), exit_code=1, keys=keys).stderr.count("\n") == 1


def test_the_keys_are_the_gateways_unless_others_are_given(gateway, verify):
    gateway.keys = KEY_SET

    assert "ok" in verify(statement(100), keys=None).stdout


def test_what_an_attacker_writes_cannot_steer_a_terminal(verify):
    document = statement(100)
    document["lines"][0]["kind"] = "\x1b[2J"
    document["account"] = "usr_\x1b]0;owned\x07"

    assert "\x1b" not in verify(document, exit_code=1).stdout
