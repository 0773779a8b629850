"""``regression-model evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from regression_model.cli.screen import artifact_option, json_option, print_json, results


@click.command("evaluate")
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="Sales with their prices."
)
@artifact_option
@json_option
def command(data: Path, artifact: Path | None, as_json: bool) -> None:
    """Score the model on a table of sales whose prices are known.

    Prints RMSLE, MAE, MdAPE, PPE10, R² and the share of prices inside their range.

    \b
      regression-model evaluate --data new-sales.csv
    """
    import numpy as np
    from rich.table import Table

    from regression_model.evaluation.metrics import METRICS, score
    from regression_model.predict import load_model
    from regression_model.training.data import load_sales

    model = load_model(artifact)
    sales = load_sales(data, model.spec)
    result = model.predict(sales.frame)
    predicted = np.array(result["predictions"], dtype=float)
    ranges = np.array(result["intervals"], dtype=float)
    scores = score(sales.prices, predicted)
    inside = (ranges[:, 0] <= sales.prices) & (sales.prices <= ranges[:, 1])
    if as_json:
        print_json({"rows": len(predicted), **scores, "coverage": float(inside.mean())})
        return
    table = Table(
        *(m.title for m in METRICS.values()), "coverage", title=f"{len(predicted):,} sales"
    )
    table.add_row(
        *(m.form.format(scores[key]) for key, m in METRICS.items()), f"{inside.mean():.1%}"
    )
    results().print(table)
