"""The files of Kaggle's house-price competition, for those who have an account there."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from regression_model.errors import FetchFailed
from regression_model.sources.download import (
    MIB,
    Download,
    Fetched,
    Limits,
    Progress,
    Service,
    address_in,
)

VARIABLE = "REGRESSION_MODEL_KAGGLE_URL"
ADDRESS = "https://www.kaggle.com"
COMPETITION = "house-prices-advanced-regression-techniques"
TABLE = "train.csv"

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Credentials:
    """What Kaggle is shown, and where it was found."""

    authorization: str = field(repr=False)
    secret: str = field(repr=False)
    found_in: str

    def __post_init__(self) -> None:
        if not self.authorization.isascii() or not self.authorization.isprintable():
            raise FetchFailed(f"{self.found_in} holds line ends or odd characters; copy it anew")


def fetch(progress: Progress | None = None, limits: Limits | None = None) -> Fetched:
    """All files of the competition, ``train.csv`` among them."""
    limits = limits or Limits()
    address = address_in(VARIABLE, ADDRESS)
    known = credentials()
    rules = f"{address}/competitions/{COMPETITION}/rules"
    service = Service(
        "Kaggle",
        VARIABLE,
        {
            401: f"the credentials in {known.found_in} are wrong or expired; make a new token in "
            "the settings of your account",
            403: f"accept the rules at {rules} in a browser, once, then fetch again; if you have, "
            f"the credentials in {known.found_in} do not permit it",
        },
        known.authorization,
        (known.secret, known.authorization.partition(" ")[2]),
        limits,
    )
    archive = service.download(
        f"{address}/api/v1/competitions/data/download-all/{COMPETITION}", progress
    )
    return Fetched(_unpacked(archive, limits), [archive])


def credentials() -> Credentials:
    """Those of Kaggle's own client: a token, a name and a key, or the file ``kaggle.json``.

    Raises :class:`FetchFailed` where there are none, or half of them.
    """
    token = os.environ.get("KAGGLE_API_TOKEN")
    if token:
        return Credentials(f"Bearer {token}", token, "KAGGLE_API_TOKEN")
    name, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
    if name and key:
        return _basic(name, key, "KAGGLE_USERNAME and KAGGLE_KEY")
    if name or key:
        given, missing = ("USERNAME", "KEY") if name else ("KEY", "USERNAME")
        raise FetchFailed(f"KAGGLE_{given} is set, KAGGLE_{missing} is not; set both")
    file = next((path for path in _files() if path.is_file()), None)
    if file is None:
        raise FetchFailed(
            "Kaggle needs credentials: set KAGGLE_USERNAME and KAGGLE_KEY (from a token made in "
            "the settings of your account), or fetch with --source openml, which needs none"
        )
    try:
        pair = json.loads(file.read_bytes())
        return _basic(pair["username"], pair["key"], str(file))
    except (ValueError, KeyError, TypeError):
        # The chain would hold the file's content.
        raise FetchFailed(f"{file} does not hold username and key; make a new token") from None


def _files() -> list[Path]:
    named = os.environ.get("KAGGLE_CONFIG_DIR")
    folders = [Path(named)] if named else [Path("~/.kaggle"), Path("~/.config/kaggle")]
    return [folder.expanduser() / "kaggle.json" for folder in folders]


def _basic(name: str, key: str, found_in: str) -> Credentials:
    pair = f"{name}:{key}".encode()
    return Credentials(f"Basic {base64.b64encode(pair).decode()}", key, found_in)


def _unpacked(archive: Download, limits: Limits) -> dict[str, bytes]:
    """The files in the archive by name; every check of a name comes before any content."""
    try:
        with ZipFile(io.BytesIO(archive.body)) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            for member in members:
                if _PLAIN_NAME.fullmatch(member.filename) is None:
                    raise FetchFailed(
                        f"Kaggle's archive holds {member.filename!r}, which is not a plain file "
                        "name; nothing in it is used"
                    )
            if sum(member.file_size for member in members) > limits.size:
                raise FetchFailed(
                    f"Kaggle's archive unpacks to more than {limits.size / MIB:.0f} MiB, which is "
                    f"no such table of sales; look at {VARIABLE}"
                )
            files = {member.filename: opened.read(member) for member in members}
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise FetchFailed(
            f"{archive.address} is not a sound zip archive ({error}); fetch again"
        ) from error
    if TABLE not in files:
        held = ", ".join(sorted(files)) or "nothing"
        raise FetchFailed(f"Kaggle's archive holds no {TABLE} but {held}; look at {VARIABLE}")
    return files
