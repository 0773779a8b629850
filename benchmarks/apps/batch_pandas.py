"""The fitted pipeline on a table, chunk by chunk: ``batch_pandas.py ARTIFACT SOURCE TARGET``."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from regression_model.artifact import open_artifact
from regression_model.training.persistence import load_pipeline

ROWS = 20_000
Price = Callable[[pd.DataFrame], pd.DataFrame]


def csv(price: Price, source: str, target: str) -> None:
    """CSV in, CSV out."""
    for n, frame in enumerate(pd.read_csv(source, chunksize=ROWS)):
        price(frame).to_csv(target, mode="a" if n else "w", header=not n, index=False)


def columns(price: Price, source: str, target: str) -> None:
    """Parquet in, Parquet out."""
    schema = pa.schema([("Id", pa.int64()), ("prediction", pa.float64())])
    with parquet.ParquetWriter(target, schema) as writer:
        for batch in parquet.ParquetFile(source).iter_batches(ROWS):
            frame = price(batch.to_pandas())
            writer.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False))


def main() -> None:
    artifact, source, target = sys.argv[1:]
    pipeline = load_pipeline(open_artifact(artifact))

    def price(frame: pd.DataFrame) -> pd.DataFrame:
        prices = pipeline.predict(frame.drop(columns="Id"))
        return pd.DataFrame({"Id": frame["Id"], "prediction": prices.round(2)})

    (csv if source.endswith(".csv") else columns)(price, source, target)


if __name__ == "__main__":
    main()
