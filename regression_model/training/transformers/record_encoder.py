"""The first step: records become the numeric matrix that every later step works on."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from regression_model.config.spec import Spec
from regression_model.reading.encoder import Encoder
from regression_model.reading.issues import NOTHING
from regression_model.reading.tables import frame_rows, is_frame
from regression_model.reading.validation import HouseValidator, rows_of


class RecordEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Encode houses by the rules of serving.

    Parameters
    ----------
    spec : Spec
        Description of the columns.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def fit(self, X: Any, y: Any = None) -> Self:
        """Return the encoder; it learns nothing.

        Parameters
        ----------
        X : DataFrame, list of dict or dict
            Houses; not read.
        y : array-like, optional
            Not read.

        Returns
        -------
        Self
            The encoder.
        """
        self.n_features_in_ = len(self.spec.features)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Encode houses.

        Parameters
        ----------
        X : DataFrame, list of dict or dict
            Houses.

        Returns
        -------
        ndarray of float64, shape (n, inputs)
            Numbers as they are, levels as codes in the order of the config, unknown as NaN.

        Raises
        ------
        ValueError
            If a value is refused; the message names row and field.
        """
        rows = frame_rows(X, self.spec)[0] if is_frame(X) else rows_of(X)
        houses, errors = HouseValidator(self.spec).check(rows)
        if errors:
            listed = "\n".join(f"row {e['row']}: {e['message']}" for e in errors[:10])
            count = errors.found().total()
            raise ValueError(f"{count} value(s) cannot be encoded:\n{listed}")
        kept = [house for house in houses if house is not None]
        matrix, _ = Encoder(self.spec).encode(kept, limits=NOTHING)
        return matrix.astype(np.float64)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns that ``transform`` gives.

        Parameters
        ----------
        input_features : sequence of str, optional
            Not read.

        Returns
        -------
        ndarray of object, shape (inputs,)
            Names of the fields, in the order of the config.
        """
        return np.asarray([f.name for f in self.spec.inputs], dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return True
