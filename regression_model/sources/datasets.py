"""The datasets folder: fetched files, whole or not at all, with a record of where they are from."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from regression_model.config.spec import Spec
from regression_model.errors import DataError
from regression_model.files.atomic_file import replacing
from regression_model.sales.table import load_sales
from regression_model.sources import kaggle, openml
from regression_model.sources.download import Fetched, Progress
from regression_model.sources.folder import DATASETS_VARIABLE, datasets_folder

RECORD = "fetched.json"
SOURCES: Mapping[str, Callable[[Progress | None], Fetched]] = {
    "kaggle": kaggle.fetch,
    "openml": openml.fetch,
}


@dataclass(frozen=True)
class Outcome:
    """The folder, its record, and whether anything in it was replaced."""

    folder: Path
    record: Mapping[str, Any]
    changed: bool


def fetch(
    source: str, spec: Spec, *, force: bool = False, progress: Progress | None = None
) -> Outcome:
    """Bring a source's files into the datasets folder, if training would accept them.

    Files that are there already, unchanged, are left alone without asking the source. Others are
    replaced only with ``force``. Raises :class:`FetchFailed`, and :class:`DataError` for a table
    that training refuses; the folder is then as it was.
    """
    folder = datasets_folder()
    record = _record(folder)
    if not force and record.get("source") == source and _intact(folder, record["files"]):
        return Outcome(folder, record, changed=False)
    fetched = SOURCES[source](progress)
    _check(fetched, source, spec)
    different = [
        name for name, content in fetched.files.items() if _differs(folder / name, content)
    ]
    standing = [str(folder / name) for name in different if (folder / name).exists()]
    if standing and not force:
        raise DataError(
            f"{', '.join(standing)} would be replaced by what {source} has, which is different; "
            f"--force does so, {DATASETS_VARIABLE} names another folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in different:
        _write(folder / name, fetched.files[name])
    record = _describe(source, fetched)
    _write(folder / RECORD, (json.dumps(record, indent=2) + "\n").encode())
    return Outcome(folder, record, changed=bool(different))


def _check(fetched: Fetched, source: str, spec: Spec) -> None:
    """Hold the table against the rules of training before anything is replaced."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "train.csv")
        table.write_bytes(fetched.files["train.csv"])
        try:
            load_sales(table, spec)
        except DataError as error:
            raise DataError(f"nothing was changed; what {source} has is no use: {error}") from error


def _record(folder: Path) -> dict[str, Any]:
    """What was fetched last; empty where there is no record, or none that can be understood."""
    try:
        record = json.loads((folder / RECORD).read_bytes())
        return record if isinstance(record["files"], dict) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _intact(folder: Path, files: Mapping[str, Any]) -> bool:
    try:
        return "train.csv" in files and all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == said["sha256"]
            for name, said in files.items()
        )
    except (OSError, KeyError, TypeError):
        return False


def _differs(path: Path, content: bytes) -> bool:
    return not path.is_file() or path.read_bytes() != content


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _describe(source: str, fetched: Fetched) -> dict[str, Any]:
    return {
        "source": source,
        "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "downloads": [
            {
                "address": download.address,
                **_sums(download.body),
                "md5": hashlib.md5(download.body, usedforsecurity=False).hexdigest(),
            }
            for download in fetched.downloads
        ],
        "files": {name: _sums(content) for name, content in sorted(fetched.files.items())},
    }


def _sums(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
