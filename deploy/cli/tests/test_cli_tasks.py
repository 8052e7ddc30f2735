"""`impacter admin pending` and `update`."""

import pytest
from cli_gateway import NOON

from shared.ids import public


def task_id(run):
    return public("task", run["task_id"])


def test_pending_shows_the_tasks_that_are_not_final(gateway, impacter):
    gateway.add_task(status="completed", description="Done long ago")
    waiting = [gateway.add_task(status=status) for status in ("pending", "queued", "running")]

    shown = impacter("pending").stdout

    for task in waiting:
        assert task_id(task) in shown
        assert public("usr", task["user_id"]) in shown
    assert "1,100" in shown
    assert "2026-11-21 12:00:00" in shown
    assert "Done long ago" not in shown


def test_pending_as_json_is_what_the_api_says(gateway, impacter):
    task = gateway.add_task(description="Grüße \x1b[31m")

    page = impacter.json("pending")

    assert page["next_cursor"] is None
    (only,) = page["tasks"]
    assert only["task_id"] == task_id(task)
    assert only["description"] == "Grüße \x1b[31m"
    assert only["created_at"] == NOON.isoformat().replace("+00:00", "Z")


def test_pending_follows_the_pages(gateway, impacter):
    tasks = [gateway.add_task() for _ in range(450)]

    page = impacter.json("pending")

    assert [row["task_id"] for row in page["tasks"]] == sorted(map(task_id, tasks), reverse=True)
    assert len(gateway.requests) == 3


def test_a_list_that_is_cut_off_says_so(gateway, impacter):
    for _ in range(3):
        gateway.add_task()

    result = impacter("pending", "--limit", "2", "--json")

    assert result.stdout.count('"task_id"') == 2
    assert "--limit" in result.stderr


def test_a_table_too_wide_for_the_terminal_is_told_task_by_task(gateway, impacter, monkeypatch):
    tasks = [gateway.add_task(), gateway.add_task()]
    monkeypatch.setenv("COLUMNS", "80")

    lines = [line.rstrip() for line in impacter("pending").stdout.splitlines()]

    assert f"task, user     {task_id(tasks[0])}" in lines
    assert lines.count("status         pending") == 2
    assert lines.count("") == 1


def test_a_table_is_never_cut_off(gateway, impacter, monkeypatch):
    gateway.add_task(description=" ".join(f"word{number}" for number in range(10)))
    monkeypatch.setenv("COLUMNS", "120")

    shown = impacter("pending").stdout

    assert "task, user" in shown.splitlines()[0]
    assert all(f"word{number}" in shown for number in range(10))


def test_nothing_pending_is_a_sentence(impacter):
    assert impacter("pending").stdout == "No task is waiting.\n"


def test_what_a_customer_wrote_cannot_steer_the_terminal(gateway, impacter):
    gateway.add_task(description="[red]x[/red] \x1b]0;owned\x07 \u202e :smile:\nsecond line")

    shown = impacter("pending").stdout

    assert "[red]x[/red] �]0;owned� � :smile: second line" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("word", ["in-progress", "running"])
def test_a_task_is_taken(gateway, impacter, word):
    run = gateway.add_run()

    shown = impacter("update", task_id(run), word).stdout

    assert run["executor"] == "human"
    assert task_id(run) in shown
    assert "admin-key" in shown


def test_files_go_to_a_task_that_is_taken_in_the_same_breath(gateway, impacter, tmp_path):
    run = gateway.add_run()
    (tmp_path / "leads.csv").write_text("name\nAna\n")

    answer = impacter.json("update", task_id(run), "in-progress", "--file", "leads.csv")

    assert gateway.uploads == {"leads.csv text/csv": b"name\nAna\n"}
    assert [file["name"] for file in answer["files"]] == ["leads.csv"]


def test_a_task_is_completed_with_a_result_units_and_files(gateway, impacter, tmp_path):
    run = gateway.add_run(executor="human", state="running")
    (tmp_path / "leads.csv").write_text("name\n")
    (tmp_path / "más.bin").write_bytes(b"\x00")
    (tmp_path / "result.md").write_text("Found **103** ✓", "utf-8")

    shown = impacter(
        *("update", task_id(run), "completed", "--result-file", "result.md", "--units", "103"),
        *("--file", "leads.csv", "--file", "más.bin"),
    ).stdout

    assert run["result"] == "Found **103** ✓"
    assert (run["outcome"], run["units_used"]) == ("succeeded", 103)
    assert set(gateway.uploads) == {"leads.csv text/csv", "más.bin application/octet-stream"}
    assert "leads.csv (5 bytes)" in shown


def test_a_result_comes_from_the_standard_input_too(gateway, impacter):
    run = gateway.add_run()

    impacter("update", task_id(run), "completed", "--result-file", "-", stdin="From a pipe")

    assert run["result"] == "From a pipe"


@pytest.mark.parametrize("word", ["failed", "cancelled"])
def test_a_task_ends_with_a_reason(gateway, impacter, word):
    run = gateway.add_run()

    answer = impacter.json("update", task_id(run), word, "--reason", "The site is gone")

    assert (answer["outcome"], answer["reason"]) == (word, "The site is gone")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["completed"], "A completed task needs a result: --result TEXT or --result-file PATH."),
        (["completed", "--result", "  "], "A completed task needs a result"),
        (["completed", "--result", "x", "--result-file", "-"], "Give the result once"),
        (["completed", "--result-file", "nowhere"], "Cannot read nowhere: No such file"),
        (["completed", "--result-file", "picture"], "picture is not text in UTF-8"),
        (["failed", "--result", "x"], "--result does not go with failed, only completed."),
        (["completed", "--result", "x", "--reason", "y"], "--reason does not go with completed"),
        (["running", "--units", "0"], "--units does not go with running"),
        (["cancelled", "--file", "picture"], "--file does not go with cancelled"),
        (["done"], "'done' is not one of 'in-progress'"),
        (["completed", "--result", "x", "--file", "nowhere"], "'nowhere' does not exist"),
    ],
)
def test_an_update_that_makes_no_sense_is_not_sent(
    gateway, impacter, tmp_path, arguments, sentence
):
    run = gateway.add_run()
    (tmp_path / "picture").write_bytes(b"\xff\xd8")

    assert sentence in impacter("update", task_id(run), *arguments, exit_code=2).stderr
    assert gateway.requests == []


def test_a_refused_file_is_named_and_the_task_not_ended(gateway, impacter, tmp_path):
    run = gateway.add_run()
    (tmp_path / "a.txt").write_text("a")

    result = impacter(
        *("update", task_id(run), "completed", "--result", "x", "--file", "a.txt"), exit_code=1
    )

    assert result.stderr == (
        "error: a.txt is not attached: Take the task first (status in-progress);"
        " then attach files to it. [conflict]\n"
    )
    assert run["state"] == "queued"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("task_0192", "Expected an id like task_ and 32 hexadecimal digits"),
        (f"task_{'0' * 32}", "There is nothing here by that id. [not_found]"),
    ],
)
def test_a_wrong_id_is_refused_with_what_is_wrong(impacter, wrong, sentence):
    assert sentence in impacter("update", wrong, "running", exit_code=1).stderr


def test_what_is_no_id_asks_for_no_other_path(gateway, impacter):
    refused = impacter("update", "../users?x=", "running", exit_code=2)

    assert refused.stderr == "error: '../users?x=' is not an id.\n"
    assert gateway.requests == []
