"""Tasks: what waits for somebody, and a person's work on one."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from impacter import output
from impacter.api import Api, Json, operator_api, segment
from impacter.failures import Failure, Misuse
from impacter.options import LIMIT, AsJson, Limit, Url
from impacter.output import Column, excerpt, field, grouped, line, time

NOT_FINAL = ["pending", "queued", "running"]


def _credits(task: Json) -> str:
    """Return what an ended task cost, and of another the most that it may."""
    if task.get("status") in NOT_FINAL:
        return f"up to {grouped(task.get('maximum'))}"
    return grouped(task.get("credits_spent"))


COLUMNS = [
    Column(
        title="task, user",
        show=lambda row: f"{line(row.get('task_id'))}\n{line(row.get('user_id'))}",
    ),
    field("status"),
    field("agent_type", "agent"),
    Column(title="credits", show=_credits, is_number=True),
    time("created_at", "created"),
    excerpt("description"),
]


class Becomes(StrEnum):
    """What a person can make of a task."""

    IN_PROGRESS = "in-progress"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TAKES = (Becomes.IN_PROGRESS, Becomes.RUNNING)
REFUSES = (Becomes.FAILED, Becomes.CANCELLED)
GOES_WITH = {
    "--result": (Becomes.COMPLETED,),
    "--units": (Becomes.COMPLETED,),
    "--file": (*TAKES, Becomes.COMPLETED),
    "--reason": REFUSES,
}

Change = Annotated[Becomes, typer.Argument(metavar="STATUS", help="What becomes of it.")]
TaskId = Annotated[str, typer.Argument(metavar="TASK", help="An id like task_….")]
Result = Annotated[
    str | None, typer.Option("--result", metavar="TEXT", help="The result, in Markdown.")
]
ResultFile = Annotated[
    Path | None,
    typer.Option(
        "--result-file",
        dir_okay=False,
        metavar="PATH",
        help="A file with the result; - reads it from the standard input.",
    ),
]
Reason = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why it failed or ends; the customer reads it."),
]
Units = Annotated[
    int | None,
    typer.Option("--units", min=0, metavar="N", help="How many were made, such as leads."),
]
Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--file",
        exists=True,
        dir_okay=False,
        metavar="PATH",
        help="A file for the customer; once for each file.",
    ),
]


def pending(*, limit: Limit = LIMIT, url: Url = None, as_json: AsJson = False) -> None:
    """List the tasks that are not final, newest first."""
    with operator_api(url) as api:
        page = api.pages("/api/admin/tasks", "tasks", limit=limit, status=NOT_FINAL)
    if as_json:
        output.as_json(page)
    else:
        show(page, none="No task is waiting.")
    output.say_more_may_follow(page, limit)


def update(  # noqa: PLR0913 - each is an option
    task_id: TaskId,
    status: Change,
    *,
    result: Result = None,
    result_file: ResultFile = None,
    reason: Reason = None,
    units: Units = None,
    file: Files = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Take a task, complete it, or end it.

    in-progress takes it from the agents; then files can be attached. completed needs a result.
    """
    text = _result(result, result_file)
    files = file or []
    _check(status, {"--result": text, "--units": units, "--file": file, "--reason": reason})
    change = {"status": status, "result": text, "reason": reason, "units_used": units}
    body = {name: value for name, value in change.items() if value is not None}
    with operator_api(url) as api:
        run = _change(api, f"/api/admin/runs/{segment(task_id)}", body, files)
    if as_json:
        output.as_json(run)
    else:
        _show_run(run)


def show(page: Json, *, none: str) -> None:
    """Print tasks as a table."""
    output.table(page["tasks"], COLUMNS, none=none)


def _change(api: Api, path: str, body: Json, files: list[Path]) -> Json:
    """Change the run; a task must be in hand before files are attached, and is not after it ended."""
    if body["status"] not in TAKES:
        _attach(api, path, files)
        return api.post(f"{path}/status", body)
    run = api.post(f"{path}/status", body)
    _attach(api, path, files)
    return api.get(path) if files else run


def _attach(api: Api, path: str, files: list[Path]) -> None:
    for file in files:
        try:
            api.upload(f"{path}/files", file)
        except Failure as failure:
            sentence = f"{file.name} is not attached: {failure}"
            raise Failure(sentence, status=failure.status) from None


def _result(text: str | None, file: Path | None) -> str | None:
    if file is None:
        return text
    if text is not None:
        raise Misuse("Give the result once: --result TEXT or --result-file PATH.")
    try:
        return sys.stdin.read() if file == Path("-") else file.read_text("utf-8")
    except UnicodeDecodeError:
        raise Misuse(f"{file} is not text in UTF-8: attach it with --file.") from None
    except OSError as flaw:
        raise Misuse(f"Cannot read {file}: {flaw.strerror}.") from None


def _check(status: Becomes, given: dict[str, object]) -> None:
    for name, value in given.items():
        if value is not None and status not in GOES_WITH[name]:
            raise Misuse(f"{name} does not go with {status}, only {', '.join(GOES_WITH[name])}.")
    if status is Becomes.COMPLETED and not str(given["--result"] or "").strip():
        raise Misuse("A completed task needs a result: --result TEXT or --result-file PATH.")


def _show_run(run: Json) -> None:
    files = [f"{file.get('name')} ({file.get('size'):,} bytes)" for file in run.get("files") or []]
    output.details(
        [
            ("task", line(run.get("task_id"))),
            ("state", line(run.get("state"))),
            ("outcome", line(run.get("outcome"))),
            ("by", line(run.get("lease_owner"))),
            ("reason", line(run.get("reason"))),
            ("units used", run.get("units_used")),
            ("until (UTC)", "" if run.get("outcome") else output.utc(run.get("deadline_at"))),
            ("files", "\n".join(line(file) for file in files)),
        ]
    )
