"""API keys: who may ask, by a file of keys that may change while the service runs."""

from __future__ import annotations

import os
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import ServiceUnavailable, Unauthorized

from ml_api.guards.keys import Keys, KeysUnusable, read_keys
from ml_api.guards.paths import CLIENT, wants_key
from ml_api.telemetry import logs

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LOOK_SECONDS = 1.0


class KeyGuard:
    """Asks for an API key of the file at ``path``, which is read again when it changes.

    A changed file that cannot be used leaves the keys as they were, and an error in the log. They
    are kept in the folder ``last_good`` too, for processes that start meanwhile; one that has no
    keys at all refuses everything.
    """

    def __init__(self, path: str, *, last_good: str | None = None) -> None:
        self._path = path
        self._copy = None if last_good is None else Path(last_good) / "api-keys"
        self._keys: Keys | None = None
        self._seen: object = None
        self._look_at = 0.0
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment) -> None:
        given = _key_in(environ)
        if not given and not wants_key(environ["PATH_INFO"]):
            return
        if time.monotonic() >= self._look_at:
            self._look()
        if self._keys is None:
            raise ServiceUnavailable("The API keys cannot be read here.", retry_after=5)
        if not given:
            raise _unauthorized("Send an API key, as Authorization: Bearer KEY or X-API-Key: KEY.")
        name = self._keys.name_of(given, time.time())
        if name is None:
            raise _unauthorized("This API key is unknown or has expired.", error="invalid_token")
        environ[CLIENT] = name
        logs.note_client(name)

    def _look(self) -> None:
        """Read the file if it is another one than last time."""
        with self._lock:
            if time.monotonic() < self._look_at:
                return
            seen = file_version(self._path)
            if seen != self._seen:
                self._read()
                self._seen = seen
            self._look_at = time.monotonic() + LOOK_SECONDS

    def _read(self) -> None:
        try:
            self._keys = read_keys(self._path)
        except KeysUnusable as error:
            logs.error("keys.unusable", reason=str(error))
            if self._keys is None and self._copy is not None:
                with suppress(KeysUnusable):  # there was no good file yet
                    self._keys = read_keys(self._copy)
        else:
            logs.info("keys.loaded")
            self._keep()

    def _keep(self) -> None:
        if self._copy is None:
            return
        new = self._copy.with_name(f"{self._copy.name}.{secrets.token_hex(8)}")
        try:
            self._copy.parent.mkdir(parents=True, exist_ok=True)
            new.touch(0o600)
            new.write_bytes(Path(self._path).read_bytes())
            os.replace(new, self._copy)
        except OSError as error:
            logs.error("keys.not_kept", reason=str(error))


def file_version(path: str) -> object:
    """Return what changes whenever the file does; None where there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _key_in(environ: WSGIEnvironment) -> str:
    given: str | None = environ.get("HTTP_X_API_KEY")
    if given is None:
        scheme, _, given = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return ""
    return given.strip()


def _unauthorized(description: str, **reason: str | None) -> Unauthorized:
    # A realm has to stand in quotes, and gets them where it needs them.
    challenge = WWWAuthenticate("bearer", {"realm": "regression model", **reason})
    return Unauthorized(description, www_authenticate=challenge)
