"""The command `info`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from regression_model import __version__


def test_info_says_which_model_it_is_and_that_the_sample_is_no_real_data(
    call: Callable[..., Result], artifact: Path
) -> None:
    result = call("info", "--artifact", artifact)

    assert result.exit_code == 0
    for word in (
        __version__,
        "bundled sample, 400 sales",
        "synthetic: no real sales",
        "RMSLE",
        "90%",
    ):
        assert word in result.stdout


def test_info_answers_in_json(call: Callable[..., Result], artifact: Path) -> None:
    facts = json.loads(call("info", "--artifact", artifact, "--json").stdout)

    assert facts["version"] == __version__
    assert facts["data"]["source"] == "sample"
    assert Path(facts["folder"]).parent == artifact
