"""A BentoML service around the fitted pipeline."""

from __future__ import annotations

import bentoml
import pandas as pd

from benchmarks.apps import load_pipeline


@bentoml.service(workers=1, logging={"access": {"enabled": False}}, metrics={"enabled": False})
class HousePrices:
    """Prices of houses, by the fitted pipeline."""

    def __init__(self) -> None:
        self.pipeline = load_pipeline()

    @bentoml.api
    def predict(self, inputs: pd.DataFrame) -> list[float]:
        prices: list[float] = self.pipeline.predict(inputs).tolist()
        return prices
