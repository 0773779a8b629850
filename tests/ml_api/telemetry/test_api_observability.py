"""``docs/observability.md`` and the alerts speak of the metrics that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families as read_text
from ruamel.yaml import YAML

MakeApp = Callable[..., Flask]

DOCS = Path(__file__).resolve().parents[3] / "docs"
TEXT = (DOCS / "observability.md").read_text("utf-8")
(GROUP,) = YAML(typ="safe").load(DOCS / "monitoring" / "alerts.yml")["groups"]
RULES = {rule["alert"]: rule["expr"] for rule in GROUP["rules"]}
BOARD = json.loads((DOCS / "monitoring" / "dashboard.json").read_text("utf-8"))
PANELS = [
    target["expr"].replace("$__rate_interval", "5m")
    for panel in BOARD["panels"]
    for target in panel["targets"]
]
EXAMPLES = [
    line for line in re.findall(r"```promql\n(.*?)```", TEXT, re.S)[0].splitlines() if line[:1] not in ("", "#")
]  # fmt: skip


@pytest.fixture
def exposed(make_app: MakeApp, houses: list[dict[str, Any]]) -> dict[str, set[str]]:
    """The labels of each sample, once everything was met."""
    client = make_app().test_client()
    strange = {**houses[1], "Neighborhood": "Elsewhere"}
    assert client.post("/v1/predict", json=[houses[0], strange, {}]).status_code == 200
    found: dict[str, set[str]] = {}
    for family in read_text(client.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_is_documented(exposed: dict[str, set[str]]) -> None:
    rows = re.findall(r"^\| `(ml_api_\w+)` \| (\w+)[^|]*\| ([^|]*)\|", TEXT, re.M)
    documented = {
        f"{name}{end}": set(re.findall(r"`(\w+)`", labels.replace(":", "").partition(": ")[0]))
        for name, kind, labels in rows
        for end in (("_bucket", "_count", "_sum") if kind == "histogram" else ("",))
    }
    values = {"priced", "refused", "loaded", "last_good", "failed"}  # of the label `outcome`

    assert {name: labels - values for name, labels in documented.items()} == {
        name: labels - {"le"} for name, labels in exposed.items()
    }


@pytest.mark.parametrize("expression", [*RULES.values(), *EXAMPLES, *PANELS])
def test_an_expression_is_promql_over_metrics_that_there_are(
    exposed: dict[str, set[str]], expression: str
) -> None:
    assert promql_parser.parse(expression) is not None

    names = set(re.findall(r"\bml_api_\w+", expression))
    bare = re.sub(r'"[^"]*"', '""', expression)
    used = set(re.findall(r"(\w+)\s*(?:=|!)", re.sub(r"\)\s*==.*", "", bare)))
    used |= {
        name for by in re.findall(r"(?:by|without) \(([^)]*)\)", bare) for name in by.split(", ")
    }
    assert names
    assert names <= set(exposed)
    assert used - {"job"} <= set().union(*(exposed[name] for name in names))


def test_the_panels_of_the_dashboard_have_places_of_their_own() -> None:
    places = [panel["gridPos"] for panel in BOARD["panels"]]
    cells = [
        (p["x"] + right, p["y"] + down)
        for p in places
        for right in range(p["w"])
        for down in range(p["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_what_is_no_promql_is_found() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        promql_parser.parse("sum(rate(ml_api_requests_total[5m])")


def test_every_alert_is_explained() -> None:
    assert re.findall(r"^\| `(MlApi\w+)` \|", TEXT, re.M) == list(RULES)


def test_the_events_of_the_log_are_documented() -> None:
    api = (DOCS / "api.md").read_text("utf-8")
    code = "".join(path.read_text("utf-8") for path in (DOCS.parent / "ml_api").rglob("*.py"))
    events = set(re.findall(r'"((?:model|predict|request|metrics|log|service)\.[a-z_]+)"', code))

    assert {"predict.input", "model.not_kept", "log.lines_dropped"} <= events
    assert {event for event in events if f"`{event}`" not in api} == set()
