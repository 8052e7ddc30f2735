"""The metrics of all services as one page."""

from collections.abc import Iterable, Mapping

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
UP = "impacter_service_up"


def joined(pages: Iterable[str]) -> str:
    """Return pages in Prometheus' text format as one: each family once, with the samples of all."""
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for page in pages:
        family = ""
        for line in page.splitlines():
            if line.startswith("# HELP "):
                family = line.split(" ", 3)[2]
                heads.setdefault(family, [])
            if not line.startswith("#"):
                samples.setdefault(family, []).append(line)
            elif len(heads[family]) < 2:  # noqa: PLR2004 - HELP and TYPE
                heads[family].append(line)
    lines = (line for family in heads for line in (*heads[family], *samples.get(family, ())))
    return "".join(f"{line}\n" for line in lines)


def presence(answers: Mapping[str, bool]) -> str:
    """Return a page that says which services answered."""
    head = f"# HELP {UP} Whether a service gave its metrics.\n# TYPE {UP} gauge\n"
    return head + "".join(
        f'{UP}{{service="{name}"}} {is_up:d}\n' for name, is_up in answers.items()
    )
