"""A version of an event changes in one way only: by an added optional field."""

import copy
import json
import subprocess
from collections.abc import Callable

import pytest
from pydantic import BaseModel

from shared.catalog import REPOSITORY, SCHEMAS
from tests.contracts.compatibility import Json, breaches


class Part(BaseModel):
    """A shape within an event."""

    size: int


class Fact(BaseModel):
    """An event as it is published today."""

    name: str
    note: str | None = None
    parts: tuple[Part, ...] = ()


def committed(revision: str) -> dict[str, Json]:
    """The schemas as a revision has them; where there are none yet, the test is skipped."""
    names = git("ls-tree", "--name-only", revision, f"{SCHEMAS}/").split()
    if not names:
        pytest.skip(f"{revision} has no schemas")
    return {name: json.loads(git("show", f"{revision}:{name}")) for name in names}


def git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as reason:
        pytest.skip(f"git cannot say: {reason}")
    return done.stdout.decode()


@pytest.mark.parametrize("revision", ["HEAD", "HEAD~1"])
def test_a_version_that_was_committed_only_gained_optional_fields(revision: str):
    before = committed(revision)
    now = {name: REPOSITORY / name for name in before if (REPOSITORY / name).exists()}

    broken = {
        name: found
        for name, file in now.items()
        if (found := breaches(before[name], json.loads(file.read_text())))
    }

    assert broken == {}, "publish a new version side by side instead"


def add_optional(schema: Json) -> None:
    schema["properties"]["added"] = {"type": "string", "default": ""}


def add_optional_within(schema: Json) -> None:
    schema["$defs"]["Part"]["properties"]["added"] = {"type": "string", "default": ""}


def say_it_better(schema: Json) -> None:
    schema["description"] = "In other words."


@pytest.mark.parametrize("change", [add_optional, add_optional_within, say_it_better])
def test_an_added_optional_field_and_other_words_keep_the_version(change: Callable[[Json], None]):
    new = copy.deepcopy(Fact.model_json_schema())
    change(new)

    assert breaches(Fact.model_json_schema(), new) == []


def add_required(schema: Json) -> None:
    schema["properties"]["added"] = {"type": "string"}
    schema["required"].append("added")


def remove_field(schema: Json) -> None:
    del schema["properties"]["note"]


def make_required(schema: Json) -> None:
    schema["required"].append("note")


def make_optional(schema: Json) -> None:
    schema["required"].remove("name")


def change_type(schema: Json) -> None:
    schema["properties"]["name"]["type"] = "integer"


def bound_within(schema: Json) -> None:
    schema["$defs"]["Part"]["properties"]["size"]["minimum"] = 0


def change_default(schema: Json) -> None:
    schema["properties"]["note"]["default"] = "none"


@pytest.mark.parametrize(
    "change",
    [
        add_required,
        remove_field,
        make_required,
        make_optional,
        change_type,
        bound_within,
        change_default,
    ],
)
def test_any_other_change_needs_a_new_version(change: Callable[[Json], None]):
    new = copy.deepcopy(Fact.model_json_schema())
    change(new)

    assert len(breaches(Fact.model_json_schema(), new)) == 1
