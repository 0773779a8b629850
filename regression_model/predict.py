"""Prices for houses: the model that an artifact holds, and the two functions most people call."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, NotRequired

import numpy as np
from typing_extensions import TypedDict

from regression_model.answer import Prediction, assemble
from regression_model.artifact import (
    ENVIRONMENT_VARIABLE,
    GRAPH,
    Artifact,
    open_artifact,
)
from regression_model.config.spec import Spec
from regression_model.errors import ArtifactCorrupt, ArtifactError, ArtifactIncompatible
from regression_model.explaining.comparables import Comparable, Comparables
from regression_model.explaining.explain import Explainer, Explanation
from regression_model.explaining.past_sales import read_past_sales
from regression_model.golden import golden_houses
from regression_model.reading.issues import Errors, Issue, LeftOut, Warnings, left_out
from regression_model.reading.rows import Reading, RowReader
from regression_model.reading.tables import frame_rows, is_frame
from regression_model.reading.validation import House, Request, parse_request, request_of
from regression_model.schema import JSONSchema, house_schema, request_schema
from regression_model.scorer import Scorer

if TYPE_CHECKING:
    from regression_model.batch.encode import ColumnEncoder

_LONG_FRAME = 64  # rows from which on a DataFrame is valued faster by columns than by rows
TOLERANCE = 1.0  # dollars between the same house scored twice, and between the two twins


class Validation(TypedDict):
    """What ``validate_inputs`` answers: each row under canonical names, or None if refused."""

    inputs: list[House | None]
    errors: Errors
    warnings: Warnings
    omitted: NotRequired[LeftOut]


class Model:
    """A trained model ready to score; made by :func:`load_model`, safe to share by threads."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.version: str = artifact.manifest["version"]
        self.label = artifact.label
        with _one_family_of_errors(artifact):
            self.spec = Spec.model_validate(artifact.manifest["spec"])
            levels_seen = artifact.manifest["profile"]["levels"]
            self.reader = RowReader(self.spec, levels_seen=levels_seen)
            self._scorer = _scorer(artifact, inputs=len(self.spec.inputs))
        self._golden = golden_houses(artifact)
        self._evidence: tuple[Explainer, Comparables] | None = None
        self._loading = Lock()

    def info(self) -> dict[str, str]:
        """Which model this is: version, artifact, kind of training data, time of training."""
        manifest = self.artifact.manifest
        return {
            "model_version": self.version,
            "artifact": self.artifact.name,
            "data": manifest["data"]["source"],
            "trained_at": manifest["trained_at"],
        }

    def json_schema(self) -> JSONSchema:
        """JSON Schema (2020-12) of one house."""
        return house_schema(self.spec, example=self.example())

    def request_schema(self, house: JSONSchema | None = None) -> JSONSchema:
        """JSON Schema of a request that gets prices; ``house`` may refer to that of a house."""
        return request_schema(house or self.json_schema())

    def example(self) -> House:
        """A house as the data has them: the typical one of the sales that the artifact keeps."""
        try:
            explainer, _ = self._load_evidence()
        except ArtifactError:  # it cannot explain; its golden houses are odd ones, and will do
            house: House = self._golden[0]["house"]
        else:
            nothing_known = np.full(len(self.spec.inputs), np.nan, np.float32)
            house = explainer.typical(nothing_known).baseline["house"]
        return dict(house)

    def predict(self, input_data: Any, *, explain: bool = False) -> Prediction:
        """Value a house, a list of houses or a DataFrame; see :func:`make_prediction`."""
        if is_frame(input_data) and not explain and len(input_data) >= _LONG_FRAME:
            from regression_model.batch.frames import predict_frame

            return predict_frame(self, input_data)
        request, caveats = self._request(input_data)
        return self.predict_rows(request.rows, caveats, explain=explain or request.explain)

    def predict_json(self, body: bytes, *, explain: bool = False) -> Prediction:
        """Value the houses of a JSON body; MalformedJSON or InvalidInput where there are none."""
        request = parse_request(body)
        explain = explain or request.explain
        return self.predict_rows(request.rows, from_json=True, explain=explain)

    def validate(self, input_data: Any) -> Validation:
        """Check houses without valuing them; see :func:`validate_inputs`."""
        request, caveats = self._request(input_data)
        houses, errors, warnings = self.reader.check(request.rows)
        result: Validation = {
            "inputs": houses,
            "errors": [*errors],
            "warnings": [*caveats, *warnings],
        }
        if omitted := left_out(errors, warnings):
            result["omitted"] = omitted
        return result

    def predict_rows(
        self,
        rows: Sequence[Any],
        caveats: Sequence[Issue] = (),
        *,
        from_json: bool = False,
        explain: bool = False,
    ) -> Prediction:
        """Value ``rows`` as they are; ``caveats`` on the whole table lead the warnings.

        ``from_json`` promises that the rows hold no values but those JSON has. ``explain`` adds
        ``explanations`` and ``comparables``; ArtifactCorrupt where the artifact does not hold what
        they need.
        """
        read = self.reader.read(rows, from_json=from_json)
        result = self.value(read, caveats)
        if explain:
            self._explain(result, read)
        return result

    def value(self, read: Reading, caveats: Sequence[Issue] = ()) -> Prediction:
        """Value rows that ``reader`` has read; ``caveats`` lead the warnings."""
        scored = self._scorer.score_each(read.matrix) if len(read.matrix) else []
        return assemble(
            scored,
            read.known,
            read.places,
            ids=read.ids,
            errors=read.errors,
            warnings=read.warnings,
            caveats=caveats,
            version=self.version,
            artifact=self.label,
        )

    @property
    def scorer(self) -> Scorer:
        """What values encoded houses."""
        return self._scorer

    @cached_property
    def column_encoder(self) -> ColumnEncoder:
        """What encodes whole columns as this model encodes rows."""
        from regression_model.batch.encode import ColumnEncoder

        return ColumnEncoder(self.spec, self.reader)

    def check_golden(self) -> list[str]:
        """Re-score the artifact's golden houses; a line for each that is a dollar or more off."""
        with _one_family_of_errors(self.artifact):
            result = self.predict_rows([row["house"] for row in self._golden])
        return [
            f"golden house {i}: expected {row['prediction']}, got {price}"
            for i, (row, price) in enumerate(zip(self._golden, result["predictions"], strict=True))
            if not _same(row["prediction"], price)
        ]

    def _explain(self, result: Prediction, read: Reading) -> None:
        explainer, comparables = self._load_evidence()
        explanations: list[Explanation | None] = [None] * read.rows
        similar: list[list[Comparable] | None] = [None] * read.rows
        priced = ((i, price) for i, price in enumerate(result["predictions"]) if price is not None)
        for (row, price), house in zip(priced, read.matrix, strict=True):
            explanations[row] = explainer.explain(house, price)
            similar[row] = comparables.nearest(house, price=price, identifier=read.ids[row])
        result["explanations"] = explanations
        result["comparables"] = similar

    def _load_evidence(self) -> tuple[Explainer, Comparables]:
        """What explanations need, read from the artifact by the first that is asked for."""
        with self._loading:
            if self._evidence is None:
                sales = read_past_sales(self.artifact, self.spec)
                synthetic = self.info()["data"] == "sample"
                self._evidence = (
                    Explainer(self.spec, sales, lambda matrix: self._scorer.score(matrix).price),
                    Comparables(sales, self.spec, synthetic=synthetic),
                )
            return self._evidence

    def _request(self, input_data: Any) -> tuple[Request, list[Issue]]:
        if is_frame(input_data):
            rows, caveats = frame_rows(input_data, self.spec)
            return Request(rows), caveats
        if isinstance(input_data, Mapping):
            input_data = dict(input_data)
        return request_of(input_data), []


@contextmanager
def _one_family_of_errors(artifact: Artifact) -> Iterator[None]:
    """Turn whatever a model raises that is whole and yet wrong into an :class:`ArtifactError`."""
    try:
        yield
    except (ArtifactError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:500]
        raise ArtifactIncompatible(
            f"artifact {artifact.name} is not one that this package can use "
            f"({type(error).__name__}: {reason}); install the package version that wrote it, or "
            "train anew"
        ) from error


def _scorer(artifact: Artifact, *, inputs: int) -> Scorer:
    interval = artifact.manifest["interval"]
    half_width, fsd = interval["half_width_log"], interval["fsd_log"]
    return Scorer(artifact.read(GRAPH), half_width=half_width, fsd=fsd, inputs=inputs)


def load_model(path: str | os.PathLike[str] | None = None) -> Model:
    """Open, verify and load an artifact.

    It is the one at ``path``, else in ``REGRESSION_MODEL_ARTIFACT``, else the package's own.

    Raises :class:`ModelNotFound` where there is none and :class:`ArtifactError` where it cannot
    be used.
    """
    artifact = open_artifact(path)
    while True:
        try:
            return Model(artifact)
        except ArtifactCorrupt:
            latest = open_artifact(path)
            if latest.folder == artifact.folder:
                raise
            artifact = latest  # it was replaced, and removed, while it was being read


@lru_cache(maxsize=1)
def _default_model(pid: int, named: str | None) -> Model:
    return load_model(named)


def default_model() -> Model:
    """The model of this process, loaded by the first call and again after a fork."""
    return _default_model(os.getpid(), os.environ.get(ENVIRONMENT_VARIABLE))


def make_prediction(input_data: Any, *, explain: bool = False) -> Prediction:
    """Value houses.

    ``input_data`` is one house (a dictionary), a list of houses or a pandas DataFrame. Rows keep
    their place: ``predictions[i]`` is the price of row ``i`` in dollars, or None with its reasons
    in ``errors``; ``intervals[i]`` its range at the model's coverage, ``fsd[i]`` its forecast
    standard deviation as a share of the price. With ``explain``, ``explanations[i]`` says what each
    field adds to the price of a typical house and ``comparables[i]`` lists similar sales; that
    takes some 10 ms a house. Raises :class:`InvalidInput` only where the input is none of the
    three, or empty.
    """
    return default_model().predict(input_data, explain=explain)


def validate_inputs(input_data: Any) -> Validation:
    """Check houses by the rules of :func:`make_prediction`, without valuing them."""
    return default_model().validate(input_data)


def _same(expected: float | None, actual: float | None) -> bool:
    if expected is None or actual is None:
        return expected is actual
    return math.isclose(expected, actual, rel_tol=1e-6, abs_tol=TOLERANCE)
