"""``regression-model evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from regression_model.cli.files import FileCommand, InputPath, OutputPath
from regression_model.cli.screen import (
    artifact_option,
    json_option,
    messages,
    print_json,
    print_table,
    progress_bar,
    results,
)


@click.command("evaluate", cls=FileCommand)
@click.option("--data", required=True, type=InputPath(), help="Sales with their prices.")
@click.option(
    "--report",
    type=OutputPath(),
    help="HTML page with tables and plots to write; replaced if it exists.",
)
@artifact_option
@json_option
def command(data: Path, artifact: Path | None, report: Path | None, as_json: bool) -> None:
    """Judge the model on a table of sales whose prices are known.

    Print accuracy (RMSLE, MAE, MdAPE, PPE5/10/20, R², FSD), the coverage of the ranges, and the
    ratio study of the assessors' standard, each with its limits. A figure past its limit is marked,
    and does not change the exit code. Use sales that the model has not seen.

    \b
      regression-model evaluate --data new-sales.csv
      regression-model evaluate --data new-sales.csv --report report.html
    """
    from regression_model.evaluation.evaluate import evaluate, model_importance, steps_of
    from regression_model.predict import load_model
    from regression_model.sales.table import load_sales

    if report is not None:
        from regression_model.evaluation.report import render_report
        from regression_model.files.atomic_file import write_text

    model = load_model(artifact)
    sales = load_sales(data, model.spec)
    for notice in sales.notices:
        messages().print(f"note: {notice}", markup=False)
    with progress_bar() as bar:
        total = steps_of(model, sales, with_importance=report is not None)
        task = bar.add_task(f"Judging {len(sales.prices):,} sales", total=total)

        def step(_: str) -> None:
            bar.advance(task)

        evaluation = evaluate(model, sales, step=step)
        if report is not None:
            listened = model_importance(model, sales, step=step)
            write_text(report, render_report(model, sales, evaluation, listened))
        bar.update(task, completed=total)
    if as_json:
        print_json(_summary(evaluation, model, sales, report))
    else:
        _show(f"{len(sales.prices):,} sales of {sales.name}", model, evaluation)
    if report is not None:
        messages().print(f"report written to {report}", markup=False, soft_wrap=True)


def _summary(evaluation: Any, model: Any, sales: Any, report: Path | None) -> dict[str, Any]:
    from regression_model.evaluation.verdict import verdict

    study = evaluation.study.as_dict()
    return {
        "rows": study["sales"],
        **study["metrics"],
        "coverage": study["coverage"]["overall"]["ranges"]["coverage"],
        "trained_on_these_sales": evaluation.seen,
        "verdict": [vars(finding) for finding in verdict(evaluation.study)],
        "study": study,
        "model": {**model.info(), "digest": model.artifact.manifest["digest"]},
        "data": sales.as_dict(),
        "report": None if report is None else str(report.absolute()),
    }


def _show(title: str, model: Any, evaluation: Any) -> None:
    from regression_model.evaluation.tables import accuracy_table, range_table, ratio_table
    from regression_model.evaluation.verdict import verdict

    study, console = evaluation.study, results()
    if evaluation.seen:
        messages().print(
            "[bold yellow]The model was trained on these sales: scores look better than they "
            "are.[/] Judge it on other sales; 'info' shows the figures of the training."
        )
    print_table(
        accuracy_table(study), title=f"{title}, model {model.version} ({model.info()['data']})"
    )
    nominal = study.coverage.nominal
    deciles = range_table(study.coverage, study.coverage.deciles, of="predicted price")
    print_table(deciles, title=f"ranges at {nominal:.0%} coverage, by tenth of the sales")
    print_table(ratio_table(study.ratios.overall), title="ratio study (prediction / price)")
    for finding in verdict(study):
        mark = {True: "[green]ok  [/]", False: "[bold red]PAST[/]", None: "    "}[finding.within]
        console.print(mark, finding.text, soft_wrap=True)
