"""Turn every failure in MLflow and its libraries into one error in one line."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO

from regression_model.errors import RegressionModelError
from regression_model.tracking.store import Store, without_password

_MAX_REASON_LENGTH = 300


@contextmanager
def failures(store: Store, error: type[RegressionModelError], what: str) -> Iterator[None]:
    """Raise ``error`` ("MLflow at <address> <what>: <reason>") for what is not ours; be quiet.

    MLflow prints advertisements of its pages; MLflow, SQLAlchemy, requests and drivers log lines of
    their own and raise errors of any class.
    """
    for noisy in ("alembic", "mlflow", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        with redirect_stdout(StringIO()):
            yield
    except RegressionModelError:
        raise
    except Exception as fault:
        reason = cut(_reason(fault), _MAX_REASON_LENGTH)
        raise error(f"MLflow at {store.shown} {what}: {reason}") from fault


def _reason(error: Exception) -> str:
    """Return what the error says, in one line; of a request that failed only what caused it."""
    text = " ".join(without_password(str(error) or type(error).__name__).split())
    cause = re.search(r".*Caused by \w+\(['\"](?:.*?\): |<.*?>: )?(.+?)['\"]\)+$", text)
    return cause[1] if cause else text


def cut(text: str, longest: int) -> str:
    """``text``, with its end replaced by an ellipsis where it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
