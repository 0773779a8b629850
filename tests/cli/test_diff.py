"""The command `diff`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from regression_model.version import DISTRIBUTION, VERSION


def test_only_a_page_of_diff_needs_the_libraries_of_reports(
    run: Callable[..., Any], artifact: Path, sold: Path
) -> None:
    arguments = ["diff", artifact, artifact, "--data", sold, "--report"]

    text = run(*arguments, "diff.md", absent="matplotlib jinja2")
    page = run(*arguments, "diff.html", absent="matplotlib")

    assert text.returncode == 0, text.stderr
    assert page.returncode == 2
    assert f'{sys.executable} -m pip install "{DISTRIBUTION}[report]=={VERSION}"' in page.stderr
    assert not Path("diff.html").exists()
