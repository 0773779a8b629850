"""A proposal changes the values it names in the config's text, and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from regression_model.config.reader import bundled_config, parse_spec
from regression_model.errors import ConfigError
from regression_model.training.tuning.proposal import Change, propose
from regression_model.training.tuning.search import Place, Value, with_values

LABEL = "model.yml"


def test_changed_text_gives_the_spec_with_the_values() -> None:
    text = bundled_config()
    spec = parse_spec(text, label=LABEL)
    values: dict[Place, Value] = {
        ("linear", "limit"): 0.07,
        ("linear", "alpha"): 0.00123,
        ("trees", "max_depth"): 4,
    }
    proposal = propose(text, values, spec=spec, label=LABEL)

    assert parse_spec(proposal.text, label=LABEL) == with_values(spec, values)
    assert proposal.changes == [
        Change("linear.limit", "0.2", "0.07"),
        Change("linear.hyperparameters.alpha", "0.001", "0.00123"),
        Change("trees.hyperparameters.max_depth", "5", "4"),
    ]
    before, after = text.splitlines(), proposal.text.splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert [b for _, b in changed] == [
        "    limit: 0.07 # of the trees, on the logarithm: about 20% of the price",
        "      alpha: 0.00123",
        "      max_depth: 4",
    ]


@pytest.mark.parametrize("ending", ["\n", ""], ids=["a last newline", "no last newline"])
def test_patch_applied_gives_the_changed_text(ending: str, tmp_path: Path) -> None:
    text = bundled_config()
    start, end = text.index("members:"), text.index("search:")
    text = text[:start] + text[end:] + text[start:end].rstrip() + ending
    spec = parse_spec(text, label=LABEL)
    (tmp_path / LABEL).write_text(text)

    proposal = propose(text, {("trees", "subsample"): 0.5}, spec=spec, label=LABEL)
    said = f"tune.db: 3 complete\n  subsample: 0.6 -> 0.5\n\n{proposal.patch}"
    subprocess.run(
        ["git", "apply", "-p0"], input=said, text=True, cwd=tmp_path, check=True, timeout=60
    )

    assert (tmp_path / LABEL).read_text() == proposal.text != text


@pytest.mark.parametrize("written", ["'0.2'", '"0.2"', "0.2", "0.2   # far"])
def test_value_is_replaced_however_it_is_written(written: str) -> None:
    text = bundled_config().replace("limit: 0.2 # of", f"'limit' :  {written} # of")
    spec = parse_spec(text, label=LABEL)

    changed = propose(text, {("linear", "limit"): 0.3}, spec=spec, label=LABEL).text

    comment = written.partition("#")[2]
    assert f"'limit' :  0.3{'   #' if comment else ''}{comment} # of the trees" in changed


def test_value_that_spans_lines_is_refused_by_name() -> None:
    text = bundled_config().replace("limit: 0.2 # of the trees", "limit: |-\n      0.2\n    #")
    spec = parse_spec(text, label=LABEL)

    with pytest.raises(
        ConfigError, match=r"linear\.limit cannot be changed in the text; write each"
    ):
        propose(text, {("linear", "limit"): 0.3}, spec=spec, label=LABEL)
