"""API keys: a file with the SHA-256 of each, and the command that makes one.

    python -m ml_api.guards.keys NAME --file keys.txt [--expires 2027-01-31]

A line of the file is a name, a hash and, where the key ends some day, its last day (UTC). A name
may have several keys, so that a new one is in use before the old one is taken away.

Keys are 256 random bits. That is why one round of SHA-256 is enough: slow hashes, such as bcrypt,
protect passwords, which can be guessed, and would take longer than a price.

Only the standard library is imported here: gunicorn's master runs this file when it starts.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from hmac import compare_digest
from math import inf
from pathlib import Path
from typing import NamedTuple

PREFIX = "rm_"  # lets a scanner of source code see what it has found
KEY_BYTES = 32
FOUND_BY = 8  # bytes of a hash that find it in the table

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")


class KeysUnusable(ValueError):
    """The file of keys cannot be used; the message names file and line, and quotes nothing."""


class Key(NamedTuple):
    """A key as the service knows it: ``expires`` is in seconds since the epoch."""

    name: str
    digest: bytes
    expires: float


class Keys:
    """The keys of a file's ``text``; raises :class:`KeysUnusable` where that is not one of keys."""

    def __init__(self, text: str, *, source: str) -> None:
        self._keys: dict[bytes, Key] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            try:
                key = _parse(words)
            except ValueError as error:
                raise KeysUnusable(f"{source}, line {number}: {error}") from None
            if self._keys.setdefault(key.digest[:FOUND_BY], key) is not key:
                raise KeysUnusable(f"{source}, line {number}: this key is there twice")
        if not self._keys:
            raise KeysUnusable(
                f"{source} holds no key. Make one with: python -m ml_api.guards.keys NAME"
            )

    def name_of(self, given: str, now: float) -> str | None:
        """Return whose key ``given`` is; None if it is unknown, or has expired by ``now``."""
        digest = sha256(given.encode("utf-8", "replace")).digest()
        key = self._keys.get(digest[:FOUND_BY])
        if key is None or not compare_digest(key.digest, digest) or now >= key.expires:
            return None
        return key.name


def read_keys(path: str | Path) -> Keys:
    """Return the keys in the file at ``path``; raises :class:`KeysUnusable`."""
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KeysUnusable(f"{path} cannot be read: {error}") from error
    return Keys(text, source=str(path))


def _parse(words: list[str]) -> Key:
    name, digest, last = (*words, "", "", "")[:3]
    if not _NAME.fullmatch(name):
        raise ValueError("a name has 1 to 64 of the characters A-Z a-z 0-9 . _ -")
    if len(words) > 3 or not _HASH.fullmatch(digest):
        raise ValueError("expected a name, the SHA-256 of a key in hexadecimal, and perhaps a date")
    return Key(name, bytes.fromhex(digest), _end_of(last) if last else inf)


def _end_of(last: str) -> float:
    """Return the moment at which the day ``last`` is over, in UTC."""
    try:
        day = date.fromisoformat(last)
    except ValueError:
        raise ValueError("the last day of a key is written like 2027-01-31") from None
    return (datetime.combine(day, time(), UTC) + timedelta(days=1)).timestamp()


def new_key(name: str, *, last: str = "") -> tuple[str, str]:
    """Return a new key, and the line of a file that lets it in. Raises ``ValueError``."""
    key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    words = [name, sha256(key.encode()).hexdigest(), *([last] if last else [])]
    _parse(words)
    return key, " ".join(words) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Make a key, print it, and add its hash to a file."""
    parser = argparse.ArgumentParser(
        prog="python -m ml_api.guards.keys",
        description="Make an API key. It is printed this once; the file gets its hash.",
    )
    parser.add_argument("name", help="the client of the key: letters, digits and . _ -")
    parser.add_argument("--file", type=Path, required=True, help="the file of ML_API_KEYS_FILE")
    parser.add_argument("--expires", default="", metavar="DATE", help="its last day, in UTC")
    given = parser.parse_args(arguments)
    try:
        key, line = new_key(given.name, last=given.expires)
        _append(given.file, line)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    print(key)  # noqa: T201  # this is what the command is for


def _append(path: Path, line: str) -> None:
    """One write, so that a service which reads at the same time sees the whole line or none."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        ended = not size or os.pread(descriptor, 1, size - 1) == b"\n"
        os.write(descriptor, ("" if ended else "\n").encode() + line.encode())
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main()
