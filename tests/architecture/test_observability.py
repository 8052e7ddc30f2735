"""Alerts and dashboard are files: they can be read, and what an alert means stands in docs/operations.md."""

import json
import re
import subprocess
from itertools import combinations

import pytest
import yaml

from tests.architecture.places import ROOT
from tests.promql import ALERTS, DASHBOARD, OBSERVABILITY, alerts, expressions, metrics_in
from tests.promtool import need_promtool

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
PARTS = ("Means: ", " Look: ", " Do: ")


def runbook() -> dict[str, str]:
    """What is written below each heading of the chapter on alerts."""
    [chapter] = re.findall(r"^## Alerts\n(.*?)(?=^## |\Z)", OPERATIONS, re.MULTILINE | re.DOTALL)
    return dict(re.findall(r"^### (\S+)\n+(.*?)(?=^### |\Z)", chapter, re.MULTILINE | re.DOTALL))


def test_every_alert_is_explained_and_nothing_else_is():
    assert sorted(runbook()) == sorted(rule["alert"] for rule in alerts())


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means_where_to_look_and_what_to_do(rule):
    explained = " ".join(runbook()[rule["alert"]].split())
    places = [explained.find(part) for part in PARTS]

    assert places[0] == 0
    assert places == sorted(places)
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in ("page", "ticket")


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_is_about_metrics(rule):
    assert metrics_in(rule["expr"])


def test_the_rules_of_prometheus_own_tool_are_kept():
    done = subprocess.run(
        [need_promtool(), "check", "rules", ALERTS], check=False, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_of_a_configuration_reads_the_rules_with_a_key():
    configuration = yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text())
    [job] = configuration["scrape_configs"]

    assert configuration["rule_files"] == [ALERTS.name]
    assert job["metrics_path"] == "/metrics"
    assert set(job["authorization"]) == {"type", "credentials_file"}


def test_every_panel_has_a_place_of_its_own_and_asks_something():
    panels = json.loads(DASHBOARD.read_text())["panels"]

    ids = [panel["id"] for panel in panels]
    assert len(ids) == len(set(ids))
    assert [panel["title"] for panel in panels if panel["type"] != "row" and not asks(panel)] == []
    assert [(a["title"], b["title"]) for a, b in combinations(panels, 2) if overlap(a, b)] == []


def test_every_panel_asks_the_data_source_that_is_chosen():
    dashboard = json.loads(DASHBOARD.read_text())
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]

    assert all(panel["datasource"] == chosen for panel in panels)
    assert all(target["datasource"] == chosen for panel in panels for target in panel["targets"])
    assert {variable["name"] for variable in dashboard["templating"]["list"]} == {
        "datasource",
        "service",
    }


def asks(panel) -> bool:
    return bool(panel["targets"]) and all(metrics_in(each) for each in expressions(panel))


def overlap(one, other) -> bool:
    a, b = one["gridPos"], other["gridPos"]
    apart = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    return not (apart or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"])


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("up == 0", {"up"}),
        ('max by (service) (a_total{x=~"b{2}", y="c(d)"}) > 1e3', {"a_total"}),
        ("sum(rate(a[5m])) / sum without (le) (b) > 0.5 and c", {"a", "b", "c"}),
        ("histogram_quantile(0.99, sum by (le) (rate(a_bucket[1m]))) or vector(0)", {"a_bucket"}),
    ],
)
def test_the_metrics_of_an_expression_are_found(expression, names):
    assert metrics_in(expression) == names
