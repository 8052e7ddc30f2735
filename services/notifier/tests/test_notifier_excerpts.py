"""What of other people's words goes into a mail."""

from notifier import excerpts


def test_a_long_text_becomes_one_short_line() -> None:
    text = excerpts.line("Find me\r\n\r\n  leads " * 100, chars_max=40)

    assert len(text) == 40
    assert text.endswith("…")
    assert text.startswith("Find me leads Find me leads")


def test_control_characters_and_turned_text_disappear() -> None:
    assert excerpts.line("a\x00b\x1bc\u202egnp.exe", chars_max=50) == "a b cgnp.exe"


def test_lone_surrogates_disappear() -> None:
    assert excerpts.line("a\ud800b", chars_max=50).encode() == b"a b"


def test_a_result_is_shown_without_its_markup() -> None:
    result = "# Leads\n\n**103** found in `Miami`:\n\n| name | mail |\n|---|---|\n> quoted\n- one\n"

    assert excerpts.first_lines(result) == [
        "Leads",
        "103 found in Miami:",
        "| name | mail |",
        "quoted",
        "- one",
    ]


def test_a_long_result_is_cut_with_a_sign() -> None:
    lines = excerpts.first_lines("\n".join(f"line {number}" for number in range(100)))

    assert len(lines) == excerpts.LINES_MAX + 1
    assert lines[-1] == "…"


def test_an_endless_line_is_cut() -> None:
    assert len(excerpts.first_lines("x" * 1_000_000)[0]) == excerpts.LINE_CHARS_MAX


def test_only_the_first_files_are_named() -> None:
    assert len(excerpts.names([f"{number}.csv" for number in range(50)])) == excerpts.FILES_MAX
