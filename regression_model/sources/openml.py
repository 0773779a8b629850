"""The Ames sales from OpenML, which asks for no credentials.

The ARFF file is taken, not the Parquet one: it is what OpenML's checksum is of, it needs no
further library, and it has a value where Kaggle's file has one and ``?`` where that has ``NA``.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from regression_model.errors import FetchFailed
from regression_model.sources.arff import csv_of
from regression_model.sources.download import (
    Download,
    Fetched,
    Limits,
    Progress,
    Service,
    address_in,
)

VARIABLE = "REGRESSION_MODEL_OPENML_URL"
ADDRESS = "https://www.openml.org"
DATASET = 42165  # house_prices, version 1


def fetch(progress: Progress | None = None, limits: Limits | None = None) -> Fetched:
    """The sales as ``train.csv``; their file is held against the checksum OpenML gives."""
    service = Service("OpenML", VARIABLE, limits=limits or Limits())
    address = f"{address_in(VARIABLE, ADDRESS)}/api/v1/json/data/{DATASET}"
    described = _description(service.download(address))
    file = service.download(described["url"], progress)
    found = hashlib.md5(file.body, usedforsecurity=False).hexdigest()
    if found != described["md5_checksum"].lower():
        raise FetchFailed(
            f"{file.address} has the MD5 checksum {found}, OpenML says "
            f"{described['md5_checksum']}; fetch again, and do not use this file if that stays so"
        )
    try:
        table = csv_of(file.body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise FetchFailed(f"{file.address} is not UTF-8 text") from error
    return Fetched({"train.csv": table.encode()}, [file])


def _description(answer: Download) -> dict[str, Any]:
    try:
        described = json.loads(answer.body)["data_set_description"]
        texts = [described[key] for key in ("url", "md5_checksum", "format")]
        if all(isinstance(text, str) for text in texts) and texts[2].lower() == "arff":
            return dict(described)
    except (ValueError, KeyError, TypeError):
        pass
    raise FetchFailed(
        f"{answer.address} does not describe an ARFF file with url and md5_checksum, as OpenML "
        f"does; look at {VARIABLE}"
    )
