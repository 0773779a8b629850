"""``regression-model doctor``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from regression_model.cli.files import FileCommand
from regression_model.cli.screen import artifact_option, json_option, print_json, results


@click.command("doctor", cls=FileCommand)
@artifact_option
@json_option
def command(artifact: Path | None, as_json: bool) -> None:
    """Verify every file of the model and re-score its golden houses.

    The artifact may also be a wheel: its model is judged by the manifest inside, and no code of the
    wheel is installed or run. Exit code 1 if a file differs from its hash, a golden house has
    another price, or another package was installed into the same folder.

    \b
      regression-model doctor
      regression-model doctor --artifact models
      regression-model doctor --artifact house_price_regression-0.1.0-py3-none-any.whl
    """
    from regression_model.cli.installation import foreign_distributions

    intact, problems = _examine(artifact)
    problems += [
        f"{one} is installed beside this package and writes into the same folder "
        "regression_model/: remove both with pip uninstall, then install this one again from its "
        "file"
        for one in foreign_distributions()
    ]
    if as_json:
        print_json({"healthy": not problems, "intact": intact, "problems": problems})
    else:
        for line in [*(f"ok    {name}" for name in intact), *(f"FAIL  {p}" for p in problems)]:
            results().print(line, markup=False, soft_wrap=True)
        if not problems:
            results().print("ok    golden houses have their prices")
    if problems:
        raise SystemExit(1)


def _examine(artifact: Path | None) -> tuple[list[str], list[str]]:
    """Return names of the files that are intact, and what is wrong with the model."""
    from regression_model.artifact import open_artifact
    from regression_model.errors import ArtifactError
    from regression_model.model import Model
    from regression_model.wheels import is_wheel, unpack_model

    intact: list[str] = []
    with TemporaryDirectory(prefix="regression-model-") as folder:
        try:
            if artifact is not None and is_wheel(artifact):
                artifact = unpack_model(artifact, Path(folder))
            opened = open_artifact(artifact)
            intact, problems = opened.verify()
            return intact, problems or Model(opened).check_golden()
        except ArtifactError as error:
            return intact, [str(error)]
