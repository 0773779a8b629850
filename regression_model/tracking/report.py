"""The report of `evaluate` on the cross-validation of a saved model, and its plots as files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from regression_model.artifact import Artifact
from regression_model.config.spec import Spec
from regression_model.evaluation.evaluate import Evaluation
from regression_model.evaluation.outcomes import Estimates
from regression_model.evaluation.report import report_sections
from regression_model.evaluation.study import Study
from regression_model.explaining.past_sales import PastSales, read_past_sales
from regression_model.files.atomic_file import write_text
from regression_model.model import Model
from regression_model.pages.blocks import Figure, Section, Svg
from regression_model.pages.page import render_page

_DERIVED = ("worst_decile", "worst_decile_distance")
# The style that a page gives its drawings, for a drawing in a file of its own.
_STYLE = "<style>*{stroke-linejoin:round;stroke-linecap:butt}text{font-family:sans-serif}</style>"


def write_report(artifact: Artifact, folder: Path) -> tuple[Path, Path]:
    """Write ``report.html`` and a folder of its plots (SVG) into ``folder``; return both.

    Sales are judged by prices of models that had not seen them, as the artifact keeps them.
    """
    model = Model(artifact)
    sales = read_past_sales(artifact, model.spec)
    evaluation = cross_validation(model.spec, artifact, sales)
    sections = report_sections(model, evaluation, _weights(model.spec, sales))
    data = artifact.manifest["data"]
    page = folder / "report.html"
    write_text(
        page,
        render_page(
            title=f"How good is the model? {model.spec.name}",
            subtitle=f"Judged by cross-validation ({data['name']}, {data['rows']:,} sales): "
            "each was valued by a model that had not seen it",
            facts={
                "model": model.version,
                "artifact": artifact.folder.name,
                "trained at": artifact.manifest["trained_at"],
                "SHA-256 of the sales": f"{data['sha256'][:12]}…",
            },
            sections=sections,
        ),
    )
    plots = folder / "plots"
    plots.mkdir()
    for name, svg in _plots(sections):
        (plots / f"{name}.svg").write_text(svg, "utf-8")
    return page, plots


def cross_validation(spec: Spec, artifact: Artifact, sales: PastSales) -> Evaluation:
    """Return what the cross-validation found, as an evaluation on sales that were not seen."""
    return Evaluation(
        study=_study(artifact.manifest["study"]),
        outcomes=Estimates(sales.prices, sales.out_of_fold),
        locations=_places(spec, sales),
        seen=False,
    )


def _study(recorded: Mapping[str, Any]) -> Study:
    values = {name: value for name, value in recorded.items() if name not in _DERIVED}
    metrics = {k: math.nan if v is None else v for k, v in values["metrics"].items()}
    return TypeAdapter(Study).validate_python({**values, "metrics": metrics})


def _places(spec: Spec, sales: PastSales) -> list[str] | None:
    if spec.location is None:
        return None
    codes = sales.matrix[:, spec.inputs.index(spec.location)]
    levels = spec.location.levels
    return ["unknown" if np.isnan(code) else str(levels[int(code)]) for code in codes]


def _weights(spec: Spec, sales: PastSales) -> dict[str, float]:
    pairs = zip((f.name for f in spec.inputs), sales.weights.tolist(), strict=True)
    return dict(sorted(pairs, key=lambda pair: -pair[1]))


def _plots(sections: list[Section]) -> Iterator[tuple[str, Svg]]:
    """Yield each drawing under the name that it is read out by."""
    for figure in (b for section in sections for b in section.blocks if isinstance(b, Figure)):
        label = re.search(r'aria-label="([^"]*)"', figure.svg)
        name = re.sub(r"\W+", "-", label[1]).strip("-").lower() if label else "plot"
        yield name, Svg(figure.svg.replace(">", f">{_STYLE}", 1))
