"""Where the command line finds the gateway and the key, and what it says when it cannot."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cli_gateway import ADMIN_KEY
from fastapi import Response

SCRIPT = Path(sys.executable).with_name("impacter")


@pytest.fixture
def nowhere(gateway, monkeypatch):
    for name in ("SITE_URL", "ADMIN_API_KEY"):
        monkeypatch.delenv(name)


def test_the_origin_is_the_one_given(gateway, impacter, monkeypatch):
    monkeypatch.setenv("SITE_URL", "http://127.0.0.1:1")

    impacter("pending", "--url", f"{gateway.origin}/")


def test_the_port_of_this_machine_is_the_origin(gateway, impacter, monkeypatch):
    monkeypatch.delenv("SITE_URL")
    monkeypatch.setenv("PORT", gateway.origin.rpartition(":")[2])

    impacter("pending")


@pytest.mark.usefixtures("nowhere")
def test_a_dotenv_file_counts_as_environment(gateway, impacter, monkeypatch):
    Path(".env").write_text(f"SITE_URL={gateway.origin}\nADMIN_API_KEY={ADMIN_KEY}\n")

    impacter("pending")
    monkeypatch.setenv("ADMIN_API_KEY", "the environment goes first")

    impacter("pending", exit_code=1)


@pytest.mark.parametrize("folder", ["data", "elsewhere"])
@pytest.mark.usefixtures("nowhere")
def test_the_key_is_found_in_the_data_folder(gateway, impacter, monkeypatch, folder):
    if folder != "data":
        monkeypatch.setenv("DATA_DIR", folder)
    Path(folder).mkdir()
    Path(folder, "secrets.env").write_text(f"OTHER=1\nADMIN_API_KEY={ADMIN_KEY}\n")

    impacter("pending", "--url", gateway.origin)


@pytest.mark.usefixtures("nowhere")
def test_without_a_key_it_says_where_it_looked(gateway, impacter):
    refused = impacter("pending", "--url", gateway.origin, exit_code=1)

    assert refused.stderr.startswith("error: There is no admin key: set ADMIN_API_KEY")
    assert "data/secrets.env" in refused.stderr
    assert gateway.requests == []


def test_a_file_that_is_no_text_is_named(impacter):
    Path(".env").write_bytes(b"\xff")

    assert impacter("pending", exit_code=1).stderr.startswith("error: Cannot read .env: ")


@pytest.mark.parametrize("key", ["not\nclean", "café"])
def test_a_key_that_no_header_holds_is_refused_unseen(impacter, monkeypatch, key):
    monkeypatch.setenv("ADMIN_API_KEY", key)

    refused = impacter("pending", exit_code=1)

    assert "ADMIN_API_KEY holds characters that no key has" in refused.stderr
    assert "clean" not in refused.stderr
    assert "caf" not in refused.stderr


def test_a_refused_key_says_what_to_set(impacter, monkeypatch):
    monkeypatch.setenv("ADMIN_API_KEY", "a-wrong-one")

    refused = impacter("pending", exit_code=1)

    assert refused.stderr.startswith(
        "error: The admin key is not valid. [unauthorized] Set ADMIN_API_KEY to the key"
    )
    assert "a-wrong-one" not in refused.output


def test_an_origin_where_nobody_listens_is_named(impacter):
    refused = impacter("pending", "--url", "http://ops:secret@127.0.0.1:1", exit_code=1)

    assert refused.stderr.startswith("error: Cannot reach http://127.0.0.1:1 (")
    assert refused.stderr.count("\n") == 1
    assert "secret" not in refused.stderr


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://x", "http://", "http://[::", "http://x:y"]
)
def test_what_is_no_origin_is_a_usage_error(impacter, url):
    assert "is not an origin" in impacter("pending", "--url", url, exit_code=2).stderr


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Response("<html>", media_type="text/html"), "answered without JSON"),
        (Response("[]", media_type="application/json"), "answered without JSON"),
        (Response('{"tasks": 5}'), "answered without a list of tasks"),
        (Response("", 308, {"location": "https://x.example/"}), "redirects to https://x.example/"),
        (Response("\x00\xff", 500), "The gateway answered 500 without saying why. [500]"),
        (Response('{"detail": "a\\nb\\u001b[0m", "code": "c"}', 409), "error: a b�[0m [c]\n"),
    ],
)
def test_an_answer_of_something_else_is_one_line(gateway, impacter, answer, sentence):
    gateway.raw = answer

    refused = impacter("pending", exit_code=1)

    assert sentence in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_an_answer_that_breaks_off_may_have_been_done(impacter):
    def hang_up():
        listener.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up).start()
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        refused = impacter("pending", "--url", origin, exit_code=1)

    assert refused.stderr.startswith(f"error: {origin} did not answer (")
    assert "look before you repeat it" in refused.stderr


def test_a_proxy_is_not_shown_what_stays_on_this_machine(impacter, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    impacter("pending")


def test_no_color_means_no_escape_sequences(gateway, impacter, monkeypatch):
    gateway.add_payment("ana@example.com", status="review")
    monkeypatch.setenv("FORCE_COLOR", "1")

    assert "\x1b[" in impacter("payments").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in impacter("payments").stdout


def test_an_unknown_command_is_a_usage_error(impacter):
    assert "No such command 'pay'" in impacter("pay", exit_code=2).stderr


def test_the_installed_script_works_in_a_plain_terminal(gateway):
    gateway.add_task(description="Grüße")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}

    done = subprocess.run(
        [SCRIPT, "admin", "pending"], env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert r"Gr\xfc\xdfe" in done.stdout


def test_the_installed_script_fails_in_one_line(gateway):
    environment = {**os.environ, "SITE_URL": "http://127.0.0.1:1"}

    done = subprocess.run(
        [SCRIPT, "admin", "pending"], env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: Cannot reach http://127.0.0.1:1")
    assert done.stderr.count("\n") == 1
