"""``regression-model doctor``."""

from __future__ import annotations

from pathlib import Path

import click

from regression_model.cli.screen import artifact_option, json_option, print_json, results


@click.command("doctor")
@artifact_option
@json_option
def command(artifact: Path | None, as_json: bool) -> None:
    """Verify every file of the model and re-score its golden houses.

    Exit code 1 where a file differs from its hash or a golden house from its price.

    \b
      regression-model doctor
      regression-model doctor --artifact models
    """
    from regression_model.artifact import open_artifact
    from regression_model.errors import ArtifactError
    from regression_model.predict import Model

    problems: list[str] = []
    intact: list[str] = []
    try:
        opened = open_artifact(artifact)
        intact, problems = opened.verify()
        if not problems:
            problems = Model(opened).check_golden()
    except ArtifactError as error:
        problems = [str(error)]
    if as_json:
        print_json({"healthy": not problems, "intact": intact, "problems": problems})
    else:
        for line in [*(f"ok    {name}" for name in intact), *(f"FAIL  {p}" for p in problems)]:
            results().print(line, markup=False, soft_wrap=True)
        if not problems:
            results().print("ok    golden houses give their prices")
    if problems:
        raise SystemExit(1)
