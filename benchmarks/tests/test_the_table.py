"""The table says what was measured, what it means, and what is missing."""

from pathlib import Path

from benchmarks.aims import AIMED, BESIDES
from benchmarks.load import percentile
from benchmarks.observed import summary
from benchmarks.report import HEAD, TIMES, as_markdown, as_text, keep, rows
from benchmarks.rounds import Figures


def measured(**samples: list[float]) -> Figures:
    figures = Figures()
    for name, values in samples.items():
        for value in values:
            figures.add({name.replace("__", "/"): value})
    return figures


def row(figures: Figures, title: str, place: int = 0) -> dict[str, str]:
    found = [dict(zip(HEAD, cells, strict=True)) for cells in rows(figures) if cells[0] == title]
    return found[place]


def test_a_figure_is_compared_with_the_best_of_its_peers():
    figures = measured(counter__rate=[900, 1000, 5000], dramatiq__rate=[200], taskiq__rate=[100])

    told = row(figures, "simple consumer, one row an event, each once, 1 process")

    assert told["value"] == "1,000/s"
    assert told["spread"] == "900-5,000"
    assert (told["ratio"], told["aim"], told["reached"]) == ("5.00", f"≥ 5{TIMES}", "yes")


def test_growth_is_the_cost_of_the_long_over_that_of_the_short():
    figures = measured(growth__ledger__long=[500], growth__ledger__short=[1000])

    told = row(figures, "cost of a payment on a long ledger")

    assert (told["ratio"], told["reached"]) == ("2.00", "no")


def test_an_aim_without_a_ratio_bounds_the_figure_itself():
    figures = measured(streams__kb=[24.9])

    told = row(figures, "an open stream")

    assert (told["value"], told["aim"], told["reached"]) == ("24.9 kB", "≤ 25 kB", "yes")


def test_a_figure_that_is_missing_is_named_and_never_counted_as_reached():
    told = row(Figures(), "an open stream")

    assert (told["value"], told["reached"]) == ("not measured", "?")


def test_a_figure_without_its_peers_says_that_they_are_missing():
    told = row(
        measured(counter__rate=[1]), "simple consumer, one row an event, each once, 1 process"
    )

    assert "not measured" in told["compared with"]
    assert told["reached"] == "?"


def test_every_line_can_be_told_as_text_and_as_markdown():
    names = {name for line in (*AIMED, *BESIDES) for name in (line.figure, *line.versus)}
    figures = measured(**{name: [1.0] for name in names})

    assert "not measured" not in as_text(figures)
    assert as_markdown(figures, ["a condition"]).startswith("- a condition\n\n| figure |")


def test_what_was_measured_is_kept_with_every_sample(tmp_path: Path):
    file = keep(tmp_path, "run", measured(streams__kb=[20.0, 21.0]), ["quiet"])

    assert "| an open stream |" in file.read_text()
    assert '"streams/kb": [\n   20.0,\n   21.0' in file.with_suffix(".json").read_text()


def test_a_percentile_is_a_value_that_was_measured():
    assert percentile([5, 1, 4, 2, 3], 0.5) == 3
    assert percentile([1], 0.99) == 1


def test_a_profile_names_what_ran_and_what_called_it():
    told = summary("main (a.py:1);work (b.py:2) 3\nmain (a.py:1) 1")

    assert "samples: 4" in told
    assert " 75.0 %  work (b.py" in told
    assert "100.0 %  main (a.py" in told
