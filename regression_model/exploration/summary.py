"""An exploration for machines: plain JSON."""

from __future__ import annotations

import math
from typing import Any

from regression_model.exploration.columns import Column
from regression_model.exploration.differences import Differences
from regression_model.exploration.explore import Exploration
from regression_model.exploration.findings import findings
from regression_model.exploration.table import Table


def as_dict(found: Exploration) -> dict[str, Any]:
    """Everything that was found, without the drawings; NaN (nothing to measure) is null."""
    table = found.table
    return {
        "table": _table(table),
        "findings": [
            {
                "weight": f.weight.name.lower(),
                "column": f.column,
                "message": f.message,
                "rows": f.rows,
                "where": f.where,
            }
            for f in findings(found)
        ],
        "columns": {c.feature.name: _column(c, table) for c in found.columns},
        "target": [
            {"column": r.feature.name, "measure": r.measure, "value": r.value, "share": r.share}
            for r in found.target_relations
        ],
        "correlated": [
            {"columns": [p.left.name, p.right.name], "measure": p.measure, "value": p.value}
            for p in found.pairs
        ],
        "repeated_rows": [[r.row + 1, r.first + 1] for r in found.repeated_rows],
        "repeated_ids": [[r.row + 1, r.first + 1] for r in found.repeated_ids],
        "extremes": [
            {"row": e.row + 1, "label": table.label(e.row), "columns": list(e.columns)}
            for e in found.extremes
        ],
        "against": None if found.differences is None else _differences(found.differences),
    }


def _table(table: Table) -> dict[str, Any]:
    return {"name": table.name, "rows": len(table.frame), "sha256": table.sha256}


def _column(column: Column, table: Table) -> dict[str, Any]:
    described: dict[str, Any] = {
        "kind": column.feature.kind,
        "nulls": column.nulls,
        "none": column.none,
        "refused": column.refused,
        "unknown": column.unknown,
        "distinct": column.distinct,
        "largest_share": column.largest_share,
    }
    if column.levels is not None:
        return {**described, "levels": column.levels, "rare": list(column.rare)}
    n = column.numbers
    if n is None:
        return described
    return {
        **described,
        "minimum": n.minimum,
        "quartiles": [n.lower_quartile, n.median, n.upper_quartile],
        "maximum": n.maximum,
        "mean": n.mean,
        "skewness": n.skewness,
        "beyond_range": n.beyond_range,
        "far_out": len(n.far_out),
        "farthest": [table.label(row) for row in n.far_out[:3]],
    }


def _differences(differences: Differences) -> dict[str, Any]:
    return {
        "reference": _table(differences.reference),
        "only_table": list(differences.only_table),
        "only_reference": list(differences.only_reference),
        "columns": {
            c.feature.name: {
                "stability": c.stability,
                "by_chance": c.by_chance,
                "verdict": c.verdict,
                "distance": None if c.distance is None or math.isnan(c.distance) else c.distance,
                "without_value": list(c.empty),
                "new": list(c.new),
                "gone": list(c.gone),
            }
            for c in differences.changes
        },
    }
