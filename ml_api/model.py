"""One model per process: loaded when it is first needed, shared by all threads."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import cast

from flask import Flask, current_app

from ml_api.telemetry import logs
from ml_api.telemetry.metrics import Metrics
from regression_model import (
    ArtifactError,
    Model,
    ModelNotFound,
    RegressionModelError,
    copy_artifact,
    load_model,
    origin_of,
)

EXTENSION = "regression_model"
RETRY_SECONDS = 5


class ModelUnavailable(Exception):
    """There is no model to answer with; the text is meant for clients and holds no paths."""


class CannotExplain(ModelUnavailable):
    """The artifact holds a model, and not what explanations need."""


class ModelHolder:
    """Loads an artifact once and remembers for a few seconds that it could not.

    A failure is retried, so that a model which arrives later is served without a restart; it is
    remembered, so that a flood of requests does not become a flood of file reads.

    A model whose golden houses are right is copied to the folder ``last_good``. From there it is
    served when the artifact that should replace it is missing, damaged or unsound, or cannot be
    read by this version: a reload never puts a broken model in the place of a good one.
    """

    def __init__(
        self,
        artifact: str | None,
        *,
        last_good: str | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._artifact = artifact
        self._metrics = metrics or Metrics()
        self._last_good = None if last_good is None else Path(last_good)
        self._lock = threading.Lock()
        self._model: Model | None = None
        self._origin = ""
        self._failure = ""
        self._logged = ""
        self._retry_at = 0.0
        self._faults: list[str] | None = None

    def init_app(self, app: Flask) -> None:
        app.extensions[EXTENSION] = self

    def get(self) -> Model:
        """Return the model. Raises ``ModelUnavailable`` with the reason where there is none."""
        if self._model is None:
            with self._lock:
                if self._model is None:
                    self._model = self._load()
        return self._model

    def info(self) -> dict[str, str]:
        """Return which model it is, and where it came from. Raises ``ModelUnavailable``."""
        return {**self.get().info(), "origin": self._origin}

    def faults(self) -> list[str]:
        """Return the faults of the model's golden houses; checked once, empty if it is sound."""
        model = self.get()
        with self._lock:
            if self._faults is None:
                self._faults = _check(model)
        return self._faults

    def _load(self) -> Model:
        if time.monotonic() < self._retry_at:
            raise ModelUnavailable(self._failure)
        try:
            model, origin = _open(self._artifact)
        except Exception as error:
            # The first failure is news and its repetitions are not: one error in the log each.
            if repr(error) != self._logged:
                self._logged = repr(error)
                _log_failure("model.unavailable", error)
            kept = self._kept()
            if kept is not None:
                return kept
            self._metrics.model_loaded("failed")
            self._failure = _reason(error)
            self._retry_at = time.monotonic() + RETRY_SECONDS
            raise ModelUnavailable(self._failure) from error
        if self._last_good is not None:
            return self._sound(model, origin, self._last_good)
        return self._loaded(model, origin, "loaded")

    def _sound(self, model: Model, origin: str, last_good: Path) -> Model:
        """Return ``model`` if its golden houses are right, and keep a copy; else the last good."""
        try:
            self._faults = _check(model)
        except ModelUnavailable:
            self._faults = None  # checked again when they are asked for
        if self._faults != []:
            self._origin = origin
            return self._kept() or model
        _keep(model, origin, last_good)
        return self._loaded(model, origin, "loaded")

    def _kept(self) -> Model | None:
        """Return the model last found sound, where there is one and it still is."""
        if self._last_good is None:
            return None
        try:
            model, origin = _open(self._last_good)
            faults = model.check_golden()
        except Exception as error:
            if not isinstance(error, ModelNotFound):
                _log_failure("model.last_good_unavailable", error)
            return None
        if faults:
            return None
        self._faults = []
        return self._loaded(model, origin, "last_good")

    def _loaded(self, model: Model, origin: str, outcome: str) -> Model:
        self._origin = origin
        event = "model.last_good_loaded" if outcome == "last_good" else "model.loaded"
        logs.info(event, **model.info(), origin=origin)
        self._metrics.model_loaded(outcome, model.info())
        return model


def _open(folder: str | Path | None) -> tuple[Model, str]:
    """Return the model of a folder, and where the model came from.

    The origin is asked once: a model stays in service for a while after its folder was replaced.
    """
    model = load_model(folder)
    return model, origin_of(model.artifact)


def _keep(model: Model, origin: str, folder: Path) -> None:
    try:
        copy_artifact(model.artifact, folder, origin=origin)
    except (OSError, RegressionModelError) as error:  # a full disk is no reason not to serve
        _log_failure("model.not_kept", error)


def _check(model: Model) -> list[str]:
    try:
        faults = model.check_golden()
    except Exception as error:
        _log_failure("model.check_failed", error)
        raise ModelUnavailable(_reason(error)) from error
    if faults:
        logs.error("model.golden_rows_differ", faults=faults)
    return faults


def _log_failure(event: str, error: Exception) -> None:
    # What the package says on purpose is complete; anything else needs its traceback.
    expected = isinstance(error, RegressionModelError)
    logs.error(event, exc_info=not expected, error=type(error).__name__, reason=str(error))


def _reason(error: Exception) -> str:
    # Messages of the package name folders of this machine; clients get the kind of failure only.
    if isinstance(error, ModelNotFound):
        return "No trained model is installed here."
    if isinstance(error, ArtifactError):
        return f"The installed model cannot be used ({type(error).__name__})."
    return "The installed model could not be loaded."


def cannot_explain(error: ArtifactError) -> CannotExplain:
    """Return what to answer where the artifact holds a model, and not what explanations need."""
    _log_failure("model.cannot_explain", error)
    kind = type(error).__name__
    return CannotExplain(
        f"The installed model cannot explain its prices ({kind}); it gives them without explain."
    )


def holder() -> ModelHolder:
    """Return the holder of the current application."""
    return cast(ModelHolder, current_app.extensions[EXTENSION])


def warm(app: Flask) -> None:
    """Load and check the model before the first request; never raises.

    A worker that fails while it boots stops gunicorn altogether, so a broken model must not: the
    worker lives, says so in the log, and answers 503 where a model is needed.
    """
    with app.app_context(), suppress(ModelUnavailable):  # logged where it arose
        holder().faults()
