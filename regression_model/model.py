"""The model that an artifact holds: values, checks and explains houses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, NotRequired

import numpy as np
from typing_extensions import TypedDict

from regression_model.answer import Prediction, assemble
from regression_model.artifact import (
    GRAPH,
    Artifact,
)
from regression_model.config.spec import Spec
from regression_model.errors import ArtifactError, ArtifactIncompatible
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

_MIN_ROWS_BY_COLUMNS = 64  # rows from which on a DataFrame is valued faster by columns than by rows
TOLERANCE = 1.0  # dollars between the same house scored twice, and between the two twins


class Validation(TypedDict):
    """Return value of :func:`validate_inputs`.

    Attributes
    ----------
    inputs : list of (dict or None)
        One entry for each row: the house under the names of the data, or None for a refused row.
    errors : list of Issue
        Why rows are refused; empty where none is.
    warnings : list of Issue
        Caveats on rows, which would still get a price.
    omitted : list of Omitted, optional
        Counts of errors and warnings beyond the limits of both lists.
    """

    inputs: list[House | None]
    errors: Errors
    warnings: Warnings
    omitted: NotRequired[LeftOut]


class Model:
    """Value houses with one trained model; several threads may share it.

    Parameters
    ----------
    artifact : Artifact
        An opened artifact. Most callers use :func:`load_model` instead.

    Attributes
    ----------
    version : str
        Version of the model.
    label : str
        Version and the first characters of the artifact's digest, for example "0.2.0-c8a4e265".
    spec : Spec
        Description of the columns and of the model.

    Raises
    ------
    ArtifactCorrupt
        If a file is missing or differs from its hash.
    ArtifactIncompatible
        If the artifact is intact, but this version of the package cannot use it.

    Examples
    --------
    >>> from regression_model import load_model
    >>> model = load_model()
    >>> sorted(model.info())
    ['artifact', 'data', 'model_version', 'trained_at']
    """

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
        """Return which model this is.

        Returns
        -------
        dict of str to str
            ``model_version``, ``artifact`` (name of the folder), ``data`` (kind of training data,
            for example "sample") and ``trained_at`` (ISO 8601).
        """
        manifest = self.artifact.manifest
        return {
            "model_version": self.version,
            "artifact": self.artifact.name,
            "data": manifest["data"]["source"],
            "trained_at": manifest["trained_at"],
        }

    def json_schema(self) -> JSONSchema:
        """Return the JSON Schema (2020-12) of one house.

        Returns
        -------
        dict
            The schema, with an example.
        """
        return house_schema(self.spec, example=self.example())

    def request_schema(self, house: JSONSchema | None = None) -> JSONSchema:
        """Return the JSON Schema of a request that gets prices.

        Parameters
        ----------
        house : dict, optional
            Schema of one house, which may be a reference. Default: :meth:`json_schema`.

        Returns
        -------
        dict
            The schema.
        """
        return request_schema(house or self.json_schema())

    def example(self) -> House:
        """Return a typical house of the training sales.

        Returns
        -------
        dict
            Fields by name, ready for :meth:`predict`. An artifact that cannot explain prices
            returns one of its golden houses.

        Examples
        --------
        >>> from regression_model import load_model
        >>> model = load_model()
        >>> model.predict(model.example())["errors"]
        []
        """
        try:
            explainer, _ = self._load_evidence()
        except ArtifactError:  # it cannot explain; its golden houses are odd ones, and will do
            house: House = self._golden[0]["house"]
        else:
            nothing_known = np.full(len(self.spec.inputs), np.nan, np.float32)
            house = explainer.typical(nothing_known).baseline["house"]
        return dict(house)

    def predict(self, input_data: Any, *, explain: bool = False) -> Prediction:
        """Value a house, a list of houses or a DataFrame.

        Parameters
        ----------
        input_data : dict, list of dict or pandas.DataFrame
            Houses, see :func:`make_prediction`.
        explain : bool, default False
            Whether the answer explains each price.

        Returns
        -------
        Prediction
            See :func:`make_prediction`.

        Raises
        ------
        InvalidInput
            If the input is empty, or none of the three kinds.
        ArtifactCorrupt
            If ``explain`` is set and the artifact lacks the training sales.

        Examples
        --------
        >>> from regression_model import load_model
        >>> model = load_model()
        >>> answer = model.predict([model.example(), model.example()])
        >>> len(answer["predictions"])
        2
        """
        if is_frame(input_data) and not explain and len(input_data) >= _MIN_ROWS_BY_COLUMNS:
            from regression_model.batch.frames import predict_frame

            return predict_frame(self, input_data)
        request, caveats = self._request(input_data)
        return self.predict_rows(request.rows, caveats, explain=explain or request.explain)

    def predict_json(self, body: bytes, *, explain: bool = False) -> Prediction:
        """Value the houses of a JSON body.

        Parameters
        ----------
        body : bytes
            Strict JSON in UTF-8, see :func:`parse_request`.
        explain : bool, default False
            Whether the answer explains each price; ``"explain": true`` in the body does so too.

        Returns
        -------
        Prediction
            See :func:`make_prediction`.

        Raises
        ------
        MalformedJSON
            If the body is not strict JSON.
        InvalidInput
            If the body holds no house, or a key beside ``inputs`` and ``explain``.
        ArtifactCorrupt
            If prices shall be explained and the artifact lacks the training sales.

        Examples
        --------
        >>> from regression_model import load_model
        >>> load_model().predict_json(b'{"GrLivArea": -5}')["predictions"]
        [None]
        """
        request = parse_request(body)
        explain = explain or request.explain
        return self.predict_rows(request.rows, from_json=True, explain=explain)

    def validate(self, input_data: Any) -> Validation:
        """Check houses without valuing them.

        Parameters
        ----------
        input_data : dict, list of dict or pandas.DataFrame
            Houses, see :func:`make_prediction`.

        Returns
        -------
        Validation
            See :func:`validate_inputs`.

        Raises
        ------
        InvalidInput
            If the input is empty, or none of the three kinds.
        """
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
        """Value rows as they are given.

        Parameters
        ----------
        rows : sequence
            One element for each house, normally a dictionary. Anything else is refused in its row.
        caveats : sequence of Issue
            Warnings on the whole table; they come first in ``warnings``.
        from_json : bool, default False
            Promise that the rows hold only values that JSON has.
        explain : bool, default False
            Whether the answer explains each price.

        Returns
        -------
        Prediction
            See :func:`make_prediction`; one element for each row.

        Raises
        ------
        ArtifactCorrupt
            If ``explain`` is set and the artifact lacks the training sales.
        """
        read = self.reader.read(rows, from_json=from_json)
        result = self.value(read, caveats)
        if explain:
            self._explain(result, read)
        return result

    def value(self, read: Reading, caveats: Sequence[Issue] = ()) -> Prediction:
        """Value rows that ``reader`` has read.

        Parameters
        ----------
        read : Reading
            Encoded rows, with their errors and warnings.
        caveats : sequence of Issue
            Warnings on the whole table; they come first in ``warnings``.

        Returns
        -------
        Prediction
            See :func:`make_prediction`; without explanations.
        """
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
        """Return the scorer, which turns encoded houses into prices."""
        return self._scorer

    @cached_property
    def column_encoder(self) -> ColumnEncoder:
        """Return the encoder of whole columns; its results equal those of rows."""
        from regression_model.batch.encode import ColumnEncoder

        return ColumnEncoder(self.spec, self.reader)

    def check_golden(self) -> list[str]:
        """Value the golden houses of the artifact again.

        Returns
        -------
        list of str
            One line for each price that differs from the recorded price by more than a dollar;
            empty for a sound model.

        Raises
        ------
        ArtifactIncompatible
            If the houses cannot be valued at all.
        """
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
        """Return what explanations need; the first call reads the artifact."""
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
    """Turn every other error of an intact, unusable model into an :class:`ArtifactError`."""
    try:
        yield
    except (ArtifactError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:500]
        raise ArtifactIncompatible(
            f"artifact {artifact.name} cannot be used by this package "
            f"({type(error).__name__}: {reason}); install the package version that wrote it, or "
            "train anew"
        ) from error


def _scorer(artifact: Artifact, *, inputs: int) -> Scorer:
    interval = artifact.manifest["interval"]
    half_width, fsd = interval["half_width_log"], interval["fsd_log"]
    return Scorer(artifact.read(GRAPH), half_width=half_width, fsd=fsd, inputs=inputs)


def _same(expected: float | None, actual: float | None) -> bool:
    if expected is None or actual is None:
        return expected is actual
    return math.isclose(expected, actual, rel_tol=1e-6, abs_tol=TOLERANCE)
