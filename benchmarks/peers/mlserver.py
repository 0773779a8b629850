"""MLServer: its scikit-learn runtime, asked in the Open Inference Protocol with DataFrames."""

from __future__ import annotations

from typing import Any

from benchmarks.peers import House, Server


def _column(name: str, value: Any) -> dict[str, Any]:
    """One input of the protocol; null is sent as text, as no other datatype has it."""
    if value is None or isinstance(value, str):
        text = {"content_type": "str"}
        return {**_tensor(name, "BYTES", value), "parameters": text}
    return _tensor(name, "INT64" if isinstance(value, int) else "FP64", value)


def _tensor(name: str, datatype: str, value: Any) -> dict[str, Any]:
    return {"name": name, "shape": [1], "datatype": datatype, "data": [value]}


def _body(house: House) -> dict[str, Any]:
    inputs = [_column(name, value) for name, value in house.items()]
    return {"parameters": {"content_type": "pd"}, "inputs": inputs}


SERVER = Server(
    title="MLServer",
    setting="scikit-learn runtime, in process (no parallel workers), PandasCodec; no access log",
    prepare=("{python}", "-m", "benchmarks.apps.mlserver_model", "{work}"),
    command=("{bin}/mlserver", "start", "{work}"),
    path="/v2/models/house-prices/infer",
    body=_body,
    price=lambda answer: float(answer["outputs"][0]["data"][0]),
    library="mlserver",
)
