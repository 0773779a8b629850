"""Sales from a database, kept as a file: what was read stays when the database changes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import URL, NullPool, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from regression_model.config.spec import Spec
from regression_model.errors import DataError
from regression_model.files.atomic_file import replacing
from regression_model.sources.folder import datasets_folder

DATABASE_VARIABLE = "REGRESSION_MODEL_DATABASE_URL"
FOLDER = "snapshots"


@dataclass(frozen=True)
class Snapshot:
    """The file that holds what a query gave, its rows, and the database without its password."""

    path: Path
    rows: int
    database: str


def take_snapshot(query: str, address: str, spec: Spec) -> Snapshot:
    """Run ``query`` on the database at ``address`` (SQLAlchemy's URL) and keep its rows as CSV.

    The file in the datasets folder is named by its SHA-256 and is the same for the same rows in
    any order. Nothing is ever committed. Raises :class:`DataError` where the database or the
    query fails, gives no rows, or gives what a CSV file cannot hold.
    """
    url = _url(address)
    shown = url.set(query={}).render_as_string(hide_password=True)
    names, rows = _read(query, url, shown)
    content = _table(_spelled(names, spec), rows)
    digest = hashlib.sha256(content).hexdigest()
    path = datasets_folder() / FOLDER / f"sales-{digest[:12]}.csv"
    if not path.is_file() or path.read_bytes() != content:
        record = {
            "database": shown,
            "query": query,
            "read_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "rows": len(rows),
            "bytes": len(content),
            "sha256": digest,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        for file, data in (
            (path.with_suffix(".json"), (json.dumps(record, indent=2) + "\n").encode()),
            (path, content),
        ):
            with replacing(file) as temporary:
                temporary.write_bytes(data)
    return Snapshot(path, len(rows), shown)


def _url(address: str) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # The chain would hold the address, and with it a password.
        raise DataError(
            "the database's address cannot be understood (it is not shown, it may hold a "
            "password); expected one like postgresql+psycopg://user:password@host/name or "
            "sqlite:///sales.db, with odd characters percent-encoded"
        ) from None
    file = url.database or ""
    named = url.get_backend_name() == "sqlite" and file and not file.startswith((":", "file:"))
    if named and not Path(file).is_file():  # SQLite would make an empty one
        raise DataError(f"{file}: there is no such SQLite database")
    return url


def _read(query: str, url: URL, shown: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    try:
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as connection:
            # Unchanged, so that neither a colon nor a percent sign is taken for a parameter.
            result = connection.execution_options(no_parameters=True).exec_driver_sql(query)
            if not result.returns_rows:
                raise DataError(
                    f"{shown}: the statement gives no rows, and what it changed was undone; "
                    "expected a SELECT"
                )
            names, rows = list(result.keys()), [tuple(row) for row in result]
    except ImportError as error:
        raise DataError(
            f"{shown}: its driver cannot be loaded ({_said(error, url)}); install it, or name "
            "another, as in mysql+pymysql://"
        ) from None
    except (SQLAlchemyError, TypeError, ValueError) as error:
        raise DataError(f"{shown}: {_said(error, url)}") from None
    if not rows:
        raise DataError(f"{shown}: the query gives no rows; there is nothing to learn from")
    return names, rows


def _said(error: Exception, url: URL) -> str:
    """What the driver says, on one line, without the statement and without secrets."""
    said = " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
    for value in (url.password, *url.query.values()):
        for secret in value if isinstance(value, tuple) else (value,):
            said = said.replace(secret, "***") if secret else said
    return said


def _spelled(names: Sequence[str], spec: Spec) -> list[str]:
    """Names as the config spells them; databases fold the case of names that are not quoted."""
    known = {n.lower(): n for f in spec.features for n in (f.name, *f.aliases)}
    return [known.get(name.lower(), name) for name in names]


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    cells = sorted(
        [_cell(value, name) for value, name in zip(row, names, strict=True)] for row in rows
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(cells)
    return text.getvalue().encode()


def _cell(value: Any, name: str) -> str:
    """Return the text of a value in CSV; empty for null."""
    if value is None or (isinstance(value, (float, Decimal)) and math.isnan(value)):
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise DataError(f"column {name} holds bytes; cast it to text or a number in the query")
    return str(value)
