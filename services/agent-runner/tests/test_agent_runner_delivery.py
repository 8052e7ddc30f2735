"""Delivery: files are hashed and stored before the end is told, and nothing unfit gets through."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner_rig import PlayedAgent, says

from agent_runner import texts, workers
from agent_runner.agents import Answer, ProducedFile
from shared.blobs import FileBlobs
from shared.contracts.tasks import TaskFinished
from shared.db import BODY_BYTES_MAX
from shared.ids import public


def makes(*files, text="Done."):
    """Write files of these names and contents, and deliver them."""

    async def make(_, scratch, __):
        produced = []
        for number, (name, content, media_type) in enumerate(files):
            path = scratch / str(number)
            path.write_bytes(content)
            produced.append(ProducedFile(name, path, media_type))
        return Answer(text=text, files=tuple(produced))

    return make


async def end_of(rig):
    [end] = await rig.sut.published(TaskFinished)
    return end


async def test_files_are_hashed_stored_and_listed(runner_with):
    content = b"name\nAda\n"
    async with runner_with(PlayedAgent(makes(("leads.csv", content, "text/csv")))) as rig:
        task_id = await rig.fund()
        await rig.sut.work()

        [file] = (await end_of(rig)).files
        [row] = await rig.files_of(task_id)
        key = f"results/{public('task', task_id)}/1/{public('file', file.file_id)}"
        assert (file.name, file.size, file.media_type) == ("leads.csv", len(content), "text/csv")
        assert (file.sha256, file.key) == (hashlib.sha256(content).hexdigest(), key)
        assert (row.id, row.key, row.sha256, row.attempt) == (file.file_id, key, file.sha256, 1)
        assert rig.stored(key) == content


async def test_files_are_stored_before_the_end_is_told(runner_with):
    class Witness(FileBlobs):
        async def put(self, key, path, media_type):
            await super().put(key, path, media_type)
            told.append(await rig.sut.published(TaskFinished))

    told = []
    agent = PlayedAgent(makes(("a.txt", b"a", "text/plain"), ("b.txt", b"b", "text/plain")))
    async with runner_with(agent) as rig:
        await rig.fund()
        witness = Witness(rig.folder / "blobs", secret="x")

        await rig.worker(agent, blobs=witness).work_once()

        assert told == [[], []]
        assert len((await end_of(rig)).files) == 2


async def test_files_that_cannot_be_stored_are_not_delivered(runner_with):
    class Away(FileBlobs):
        async def put(self, key, path, media_type):
            message = "the store is away"
            raise OSError(message)

    agent = PlayedAgent(makes(("a.txt", b"a", "text/plain")))
    async with runner_with(agent, attempts_max=1) as rig:
        task_id = await rig.fund()

        await rig.worker(agent, blobs=Away(rig.folder / "blobs", secret="x")).work_once()

        end = await end_of(rig)
        assert (end.outcome, end.reason, end.files) == ("failed", workers.BROKEN.reason, ())
        assert await rig.files_of(task_id) == []


async def test_names_and_media_types_are_made_harmless(runner_with):
    agent = PlayedAgent(
        makes(
            ("../../etc/passwd", b"1", "text/plain; charset=utf-8"),
            ("C:\\leads.csv", b"2", "TEXT/CSV"),
            ("LEADS.csv", b"3", "not a type\r\nX: y"),
            ("", b"4", ""),
        )
    )
    async with runner_with(agent) as rig:
        await rig.fund()
        await rig.sut.work()

        assert [(file.name, file.media_type) for file in (await end_of(rig)).files] == [
            ("passwd", "text/plain"),
            ("leads.csv", "text/csv"),
            ("LEADS (2).csv", "application/octet-stream"),
            ("file", "application/octet-stream"),
        ]


async def test_more_files_than_allowed_are_refused_and_nothing_is_charged(runner_with):
    files = [(f"{number}.txt", b"x", "text/plain") for number in range(3)]
    async with runner_with(PlayedAgent(makes(*files)), files_max=2) as rig:
        await rig.fund()
        await rig.sut.work()

        end = await end_of(rig)
        assert (end.outcome, end.files) == ("failed", ())
        assert "more than the 2 files" in end.reason


async def test_a_larger_file_than_allowed_is_refused(runner_with):
    agent = PlayedAgent(makes(("big.bin", b"x" * 11, "application/x-thing")))
    async with runner_with(agent, file_bytes_max=10) as rig:
        await rig.fund()
        await rig.sut.work()

        end = await end_of(rig)
        assert (end.outcome, end.reason) == (
            "failed",
            "The file big.bin is larger than can be delivered.",
        )


async def test_a_link_out_of_the_folder_is_not_followed(runner_with, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("ours")

    async def link(_, scratch, __):
        (scratch / "innocent.txt").symlink_to(secret)
        file = ProducedFile("innocent.txt", scratch / "innocent.txt", "text/plain")
        return Answer(text="Done.", files=(file,))

    async with runner_with(PlayedAgent(link), attempts_max=1) as rig:
        await rig.fund()
        await rig.sut.work()

        end = await end_of(rig)
        assert (end.outcome, end.files) == ("failed", ())


async def test_an_empty_answer_is_no_delivery(runner_with):
    async with runner_with(PlayedAgent(says(" \n")), retry_s=0) as rig:
        await rig.fund()
        await rig.sut.work()

        end = await end_of(rig)
        assert (end.outcome, end.reason) == ("failed", "The agent came back without a result.")


async def test_files_without_a_word_are_a_delivery(runner_with):
    agent = PlayedAgent(makes(("a.txt", b"a", "text/plain"), text=""))
    async with runner_with(agent) as rig:
        await rig.fund()
        await rig.sut.work()

        end = await end_of(rig)
        assert (end.outcome, end.result, len(end.files)) == ("succeeded", None, 1)


async def test_a_text_too_long_for_an_event_comes_as_a_file(runner_with):
    text = "\N{SNOWMAN}" * 40_000
    agent = PlayedAgent(makes(("result.md", b"the agent's own", "text/markdown"), text=text))
    async with runner_with(agent) as rig:
        await rig.fund()
        await rig.sut.work()

        end = await end_of(rig)
        [long, own] = end.files
        assert (long.name, long.media_type, own.name) == (
            "result (2).md",
            "text/markdown",
            "result.md",
        )
        assert rig.stored(long.key).decode() == text
        assert texts.size(end.result) <= texts.TEXT_BYTES_MAX
        assert end.result.endswith("*The text goes on in the file result (2).md.*")


@pytest.mark.parametrize(
    ("units", "told"), [(None, None), (0, 0), (103, 103), (-5, 0), (10**12, 10**9)]
)
async def test_units_are_told_within_reason(runner_with, units, told):
    async with runner_with(PlayedAgent(says("Done.", units_used=units))) as rig:
        await rig.fund()
        await rig.sut.work()

        assert (await end_of(rig)).units_used == told


async def test_the_largest_delivery_there_can_be_fits_into_an_event(runner_with):
    longest = "\N{SNOWMAN}" * 30 + '"' * 300
    files = [(f"{longest}{number}.csv", b"", "a/" + "b" * 90) for number in range(100)]
    agent = PlayedAgent(makes(*files, text='"\\\n\x01' * 60_000))
    async with runner_with(agent, files_max=100) as rig:
        await rig.fund('"' * 30_000)
        await rig.sut.work()

        end = await end_of(rig)
        assert (end.outcome, len(end.files)) == ("succeeded", 101)
        assert BODY_BYTES_MAX - 40_000 < len(end.model_dump_json()) <= BODY_BYTES_MAX


@given(st.text())
def test_any_name_becomes_a_plain_file_name(name):
    plain = texts.file_name(name)

    assert 0 < texts.size(plain) <= texts.NAME_BYTES_MAX
    assert not set(plain) & set('/\\"\x00\n')
    assert not plain.startswith(".")
    assert texts.file_name(plain) == plain


@given(st.lists(st.text(max_size=3), max_size=8))
def test_names_never_meet(names):
    taken = []
    for name in names:
        taken.append(texts.another_name(texts.file_name(name), taken))

    assert len({name.casefold() for name in taken}) == len(names)
    assert all(texts.size(name) <= texts.NAME_BYTES_MAX for name in taken)


@given(st.text(), st.integers(0, 50))
def test_a_cut_text_is_storable_and_short_enough(text, bytes_max):
    cut = texts.cut(text, bytes_max)

    assert texts.size(cut) <= bytes_max
    assert "\x00" not in cut
