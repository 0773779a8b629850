"""Prices for houses: the functions that most people call, and the model of this process."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from regression_model.answer import Prediction
from regression_model.artifact import ENVIRONMENT_VARIABLE, open_artifact
from regression_model.errors import ArtifactCorrupt
from regression_model.model import Model, Validation


def load_model(path: str | os.PathLike[str] | None = None) -> Model:
    """Open, verify and load a trained model.

    Parameters
    ----------
    path : str or path, optional
        Folder of an artifact, or a folder that holds ``CURRENT``. Default: the environment variable
        ``REGRESSION_MODEL_ARTIFACT``, else the artifact inside the package.

    Returns
    -------
    Model
        The loaded model.

    Raises
    ------
    ModelNotFound
        If there is no artifact.
    ArtifactCorrupt
        If a file of the artifact is missing or differs from its hash.
    ArtifactIncompatible
        If this version of the package cannot use the artifact.

    Examples
    --------
    >>> from regression_model import load_model
    >>> load_model().info()["data"]
    'sample'
    >>> load_model("no/such/folder")
    Traceback (most recent call last):
    regression_model.errors.ModelNotFound: there is no trained model in no/such/folder...
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
    """Return the model of this process; the first call loads it, also after a fork."""
    return _default_model(os.getpid(), os.environ.get(ENVIRONMENT_VARIABLE))


def make_prediction(input_data: Any, *, explain: bool = False) -> Prediction:
    """Value houses.

    Rows keep their place: element ``i`` of each list in the answer belongs to row ``i`` of the
    input.

    Parameters
    ----------
    input_data : dict, list of dict or pandas.DataFrame
        One house, or ``n`` houses. Keys (columns) are names of fields or their aliases. Fields that
        are absent are unknown. docs/configuration.md says what a null means in each field.
    explain : bool, default False
        Whether the answer explains each price, which takes about 10 ms a house.

    Returns
    -------
    Prediction
        A dictionary of lists with ``n`` elements each:

        - ``predictions``: price in dollars, rounded to cents, or None for a refused row
        - ``intervals``: ``[low, high]`` in dollars, or None
        - ``fsd``: forecast standard deviation as a share of the price, or None
        - ``known``: number of known fields, or None
        - ``ids``: identifiers, if any row has one
        - ``explanations``, ``comparables``: only with ``explain``

        ``errors`` lists why rows have no price, ``warnings`` the caveats on prices, and ``omitted``
        counts what is beyond the limits of both. ``version`` and ``artifact`` name the model.

    Raises
    ------
    InvalidInput
        If the input is empty, or none of the three kinds. A bad row is no exception: its price is
        None.
    ModelNotFound, ArtifactError
        If no model can be loaded, see :func:`load_model`.

    Examples
    --------
    >>> from regression_model import make_prediction
    >>> house = {"OverallQual": 7, "GrLivArea": 1710, "Neighborhood": "CollgCr", "YearBuilt": 2003}
    >>> result = make_prediction([house, {**house, "GrLivArea": -5}])
    >>> low, high = result["intervals"][0]
    >>> low < result["predictions"][0] < high
    True
    >>> result["predictions"][1] is None
    True
    >>> result["errors"][0]["message"]
    'GrLivArea must lie in 1 to 100000 square feet, got -5'
    """
    return default_model().predict(input_data, explain=explain)


def validate_inputs(input_data: Any) -> Validation:
    """Check houses by the rules of :func:`make_prediction`, without valuing them.

    Parameters
    ----------
    input_data : dict, list of dict or pandas.DataFrame
        One house, or ``n`` houses.

    Returns
    -------
    Validation
        A dictionary with ``inputs`` (``n`` elements: the house under the names of the data, or
        None), ``errors`` and ``warnings``.

    Raises
    ------
    InvalidInput
        If the input is empty, or none of the three kinds.
    ModelNotFound, ArtifactError
        If no model can be loaded, see :func:`load_model`.

    Examples
    --------
    >>> from regression_model import validate_inputs
    >>> checked = validate_inputs({"OverallQual": 11})
    >>> checked["inputs"]
    [None]
    >>> [(error["field"], error["code"]) for error in checked["errors"] if error["value"]]
    [('OverallQual', 'impossible_value')]
    """
    return default_model().validate(input_data)
