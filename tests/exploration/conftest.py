"""Tables as they stand in CSV files: synthetic sales that a test may spoil."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from regression_model.config.spec import Spec
from regression_model.exploration.table import Table, read_table

Read = Callable[..., Table]


@pytest.fixture(scope="session")
def _sold(spec: Spec) -> pd.DataFrame:
    from regression_model.sales.sample import generate

    frame = generate(300, seed=11, spec=spec)
    frame["Id"] = range(1, 301)
    return frame.astype(object).where(frame.notna(), "NA")


@pytest.fixture
def sold(_sold: pd.DataFrame) -> pd.DataFrame:
    """Three hundred sales; row i has Id i + 1."""
    return _sold.copy()


@pytest.fixture
def read(spec: Spec, tmp_path: Path) -> Read:
    """Writes a table to a CSV file and reads it back as exploring does."""

    def through_a_file(frame: Any, name: str = "sales.csv", then: str = "") -> Table:
        path = tmp_path / name
        path.write_text(pd.DataFrame(frame).to_csv(index=False) + then)
        return read_table(path, spec)

    return through_a_file
