"""What is counted is what was asked and answered, in a form that Prometheus reads."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text

import ml_api
from ml_api.master.counters import share
from ml_api.telemetry.metrics import (
    DOLLARS,
    FAMILIES,
    MIN_ROWS_BY_ARRAY,
    RATIOS,
    SECONDS,
    Metrics,
    metrics,
)
from ml_api.telemetry.metrics import share as join
from regression_model import Prediction

MakeApp = Callable[..., Flask]
LogLines = Callable[..., list[dict[str, Any]]]
Samples = dict[tuple[str, tuple[str, ...]], float]

PREDICT = "/v1/regression-model/predict"


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    """Of an application that has counted nothing yet."""
    return make_app().test_client()


def scrape(client: FlaskClient) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return samples(answer.text)


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in read_text(text)
        for sample in family.samples
    }


def buckets(found: Samples, name: str, bounds: tuple[float, ...], *labels: str) -> list[float]:
    """How many lie in each bucket, from the cumulative counts of the exposition."""
    ends = [*map(str, map(float, bounds)), "+Inf"]
    named = {
        float(key[1][0]): value
        for key, value in found.items()
        if key[0] == f"{name}_bucket" and key[1][1:] == labels
    }
    counts = [named[float(end)] for end in ends]
    return [count - before for before, count in zip([0, *counts], counts, strict=False)]


def test_requests_are_counted_by_route_and_status(
    client: FlaskClient, houses: list[dict[str, Any]]
) -> None:
    for _ in range(3):
        client.post(PREDICT, json=houses[0])
    client.post("/v1/predict", json=houses[0])
    client.post(PREDICT, data="[", content_type="application/json")
    client.post(PREDICT, json={})
    client.get(PREDICT)
    client.get("/health")
    client.get("/nothing/here")
    client.open("/health", method="INVENTED")

    found = scrape(client)

    counted = {key[1]: value for key, value in found.items() if key[0] == "ml_api_requests_total"}
    assert counted == {
        (PREDICT, "200"): 3,
        ("/v1/predict", "200"): 1,
        (PREDICT, "400"): 1,
        (PREDICT, "422"): 1,
        ("/health", "200"): 1,
        ("unmatched", "404"): 1,
        ("unmatched", "405"): 2,
    }
    times = {k[1]: v for k, v in found.items() if k[0] == "ml_api_request_duration_seconds_count"}
    assert times == {(PREDICT,): 5, ("/v1/predict",): 1, ("/health",): 1, ("unmatched",): 3}
    assert sum(buckets(found, "ml_api_request_duration_seconds", SECONDS, PREDICT)) == 5
    assert 0 < found["ml_api_request_duration_seconds_sum", (PREDICT,)] < 60


@pytest.mark.parametrize("rows", [1, MIN_ROWS_BY_ARRAY - 1, MIN_ROWS_BY_ARRAY, 500])
def test_houses_prices_and_ranges_are_counted(
    client: FlaskClient, houses: list[dict[str, Any]], rows: int
) -> None:
    asked = [{**houses[k % 50], "LotArea": 8000 + k} for k in range(rows)]
    asked += [{**houses[0], "GrLivArea": -1}, {}, {**houses[1], "Neighborhood": "Elsewhere"}]
    answer = client.post(PREDICT, json=asked).json

    found = scrape(client)

    assert answer is not None
    prices = [price for price in answer["predictions"] if price is not None]
    spans = [span for span in answer["intervals"] if span is not None]
    ratios = [(high - low) / price for (low, high), price in zip(spans, prices, strict=True)]
    assert found["ml_api_rows_total", ("priced",)] == len(prices) == rows + 1
    assert found["ml_api_rows_total", ("refused",)] == 2
    for name, bounds, values in (
        ("ml_api_price_dollars", DOLLARS, prices),
        ("ml_api_range_width_ratio", RATIOS, ratios),
    ):
        assert found[f"{name}_count", ()] == len(values)
        assert found[f"{name}_sum", ()] == pytest.approx(sum(values))
        assert buckets(found, name, bounds) == [
            sum(low < value <= high for value in values)
            for low, high in zip([-1, *bounds], [*bounds, float("inf")], strict=True)
        ]
    for family, issues in (("errors", answer["errors"]), ("warnings", answer["warnings"])):
        codes = [issue["code"] for issue in issues]
        name = f"ml_api_row_{family}_total"
        counted = {key[1][0]: value for key, value in found.items() if key[0] == name}
        assert counted == {code: codes.count(code) for code in codes}
        assert counted


def test_errors_that_an_answer_has_no_room_for_are_counted_too(
    client: FlaskClient, log_lines: LogLines
) -> None:
    answer = client.post(PREDICT, json=[{f"field {i}": i for i in range(50)}]).json

    assert answer is not None
    assert len(answer["errors"]) < 54
    assert sum(left["count"] for left in answer["omitted"]) == 54 - len(answer["errors"])
    found = scrape(client)
    assert found["ml_api_row_errors_total", ("unknown_field",)] == 50
    assert found["ml_api_row_errors_total", ("required",)] == 4
    (made,) = (line for line in log_lines() if line["event"] == "predict.output")
    assert made["errors"] == {"required": 4, "unknown_field": 50}


def test_many_houses_are_counted_as_few_are() -> None:
    draw = np.random.default_rng(5)
    drawn = [*draw.uniform(1e4, 6e6, 1500), *draw.choice(DOLLARS, 300), *[0.0, 1e9, None] * 60]
    prices = [None if p is None else float(p) for p in draw.permutation(np.array(drawn, object))]
    spans = [None if p is None else [p * draw.random(), p * (1 + draw.random())] for p in prices]

    at_once, in_pieces = Metrics(), Metrics()
    at_once.priced(prediction(prices, spans))
    for start in range(0, len(prices), MIN_ROWS_BY_ARRAY - 1):
        part = slice(start, start + MIN_ROWS_BY_ARRAY - 1)
        in_pieces.priced(prediction(prices[part], spans[part]))

    for one, other in zip(at_once.counters.read(), in_pieces.counters.read(), strict=True):
        assert one[:3] == other[:3]
        assert one.values == pytest.approx(other.values)


def prediction(prices: list[Any], spans: list[Any]) -> Prediction:
    return {"predictions": prices, "intervals": spans, "fsd": [], "known": [], "errors": [], "warnings": [], "version": "", "artifact": ""}  # fmt: skip


def test_no_answer_is_no_row(client: FlaskClient) -> None:
    client.post(PREDICT, json=[])
    Metrics().priced(prediction([None] * MIN_ROWS_BY_ARRAY, [None] * MIN_ROWS_BY_ARRAY))

    found = scrape(client)

    assert found["ml_api_rows_total", ("priced",)] == 0
    assert found["ml_api_rows_total", ("refused",)] == 0


def test_labels_hold_nothing_that_a_request_can_invent(
    client: FlaskClient, houses: list[dict[str, Any]]
) -> None:
    names = {key for key, _ in samples(client.get("/metrics").text).items()}
    before = len(names)
    for k in range(40):
        client.get(f"/invented-{k}")
        client.open(f"/v1/invented-{k}", method=f"INVENTED{k}")
        client.post(
            PREDICT, json=[houses[0], {f"Invented{k}": 1}, {**houses[0], "Alley": f"invented-{k}"}]
        )

    text = client.get("/metrics").text

    assert "nvented" not in text
    assert len(samples(text)) - before < 120


def test_a_scrape_touches_no_model_and_works_without_one(make_app: MakeApp, tmp_path: Path) -> None:
    client = make_app(REGRESSION_MODEL_ARTIFACT=str(tmp_path / "nothing")).test_client()

    assert ("ml_api_model_loads_total", ("failed",)) not in scrape(client)
    assert client.post(PREDICT, json={}).status_code == 503
    found = scrape(client)

    assert found["ml_api_model_loads_total", ("failed",)] == 1
    assert found["ml_api_requests_total", (PREDICT, "503")] == 1
    assert not [key for key in found if key[0] == "ml_api_model_info"]


def test_the_model_is_told_by_worker(client: FlaskClient, model: Any) -> None:
    assert client.get("/ready").status_code == 200

    found = scrape(client)

    info = model.info()
    labels = (info["artifact"], info["data"], info["model_version"], "loaded", "0")
    assert found["ml_api_model_info", labels] == 1
    assert found["ml_api_build_info", ("", ml_api.__version__)] == 1
    assert found["ml_api_workers", ()] == 1
    assert 10e6 < found["ml_api_worker_resident_memory_bytes", ("0",)] < 10e9


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"),
        ("application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=abc", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain; version=; escaping=", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)  # fmt: skip
def test_the_format_is_the_one_that_is_asked_for(
    client: FlaskClient, houses: list[dict[str, Any]], accept: str | None, kind: str
) -> None:
    client.post(PREDICT, json=[houses[0], {}])

    answer = client.get("/metrics", headers={} if accept is None else {"Accept": accept})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
    read = read_openmetrics if kind.startswith("application") else read_text
    families = {family.name: family for family in read(answer.text)}
    assert families["ml_api_requests"].type == "counter"
    assert families["ml_api_price_dollars"].type == "histogram"
    assert all(family.documentation for family in families.values())


def test_names_follow_the_conventions(client: FlaskClient) -> None:
    families = {family.name: family for family in read_text(client.get("/metrics").text)}

    for name, family in families.items():
        assert re.fullmatch(r"ml_api_[a-z]+(_[a-z]+)*", name)
        if family.type == "histogram":
            assert name.endswith(("_seconds", "_dollars", "_ratio"))
    assert set(FAMILIES) <= set(families)


def test_a_worker_that_finds_no_place_counts_on_its_own(
    make_app: MakeApp, log_lines: LogLines
) -> None:
    app = make_app()

    join(app, "987654")  # no descriptor of this process

    (line,) = log_lines("metrics.not_shared")
    assert line["error"] == "OSError"
    client = app.test_client()
    client.get("/health")
    assert scrape(client)["ml_api_requests_total", ("/health", "200")] == 1


def test_what_another_version_counted_is_left_out(make_app: MakeApp) -> None:
    app = make_app()
    join(app, str(share()))
    with app.app_context():
        counters = metrics().counters
    counters.values[counters.index("ml_api_of_tomorrow")] += 1
    counters.values[counters.index("ml_api_price_dollars", (1.0, 2.0))] += 1

    found = scrape(app.test_client())

    assert found["ml_api_price_dollars_count", ()] == 0
    assert not [key for key in found if "tomorrow" in key[0]]


def test_a_dropped_line_is_counted(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, log_lines: LogLines
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", None)
        client.get("/nothing")
        client.get("/nothing")
    client.get("/nothing")

    assert scrape(client)["ml_api_log_lines_dropped_total", ()] == 2
    assert [line["event"] for line in log_lines()] == ["request.refused", "log.lines_dropped"]
