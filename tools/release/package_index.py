"""The package index that a release goes to, as the environment names it.

Uploads go to ``TWINE_REPOSITORY_URL``, as ``TWINE_USERNAME`` with ``TWINE_PASSWORD`` (twine's own
variables). What is there is read from ``PIP_INDEX_URL`` (pip's own), or, where that is not set,
from ``simple/`` below the upload's address, which is where most private indexes have it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

import requests
from pypi_simple import (
    NoSuchProjectError,
    PyPISimple,
    UnsupportedContentTypeError,
    UnsupportedRepoVersionError,
)

from tools.release.project import NAME

UPLOADS, READS = "TWINE_REPOSITORY_URL", "PIP_INDEX_URL"
USER, TOKEN = "TWINE_USERNAME", "TWINE_PASSWORD"
PATIENCE_SECONDS = 30


class Refused(Exception):
    """A reason not to go on, in one line that ends the tool."""


class Release(NamedTuple):
    """The files of one version on the index: SHA-256 by name (empty where it tells none)."""

    files: Mapping[str, str]


class Index:
    """One package index, read and never written to."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        uploads, reads = environment.get(UPLOADS), environment.get(READS)
        address = reads or (f"{uploads.rstrip('/')}/simple/" if uploads else None)
        if address is None:
            raise Refused(f"no index is named: set {UPLOADS} (and {READS} where it is read)")
        self._address = address
        self._user = None if reads else _user(environment)

    def release(self, version: str) -> Release | None:
        """The files of a version of the package; None where the index has no such version."""
        try:
            with PyPISimple(self._address, auth=self._user) as client:
                page = client.get_project_page(NAME, timeout=PATIENCE_SECONDS)
        except NoSuchProjectError:
            return None
        except requests.HTTPError as error:
            status = 0 if error.response is None else error.response.status_code
            raise Refused(f"{self} answered {status} when asked; {_remedy(status)}") from None
        except requests.JSONDecodeError:
            raise self._odd() from None
        except requests.RequestException as error:
            raise Refused(f"{self} cannot be reached: {type(error).__name__}") from None
        except (UnsupportedContentTypeError, UnsupportedRepoVersionError, ValueError):
            raise self._odd() from None
        if not page.packages and page.repository_version is None:
            raise self._odd()  # any web page at all
        files = {
            package.filename: package.digests.get("sha256", "")
            for package in page.packages
            if package.version == version
        }
        return Release(files) if files else None

    def pip_environment(self) -> dict[str, str]:
        """The environment in which pip downloads from this index."""
        address = self._address
        if self._user is not None:
            user, token = (quote(part, safe="") for part in self._user)
            parts = urlsplit(address)
            address = urlunsplit(parts._replace(netloc=f"{user}:{token}@{parts.netloc}"))
        return {**os.environ, READS: address}

    def _odd(self) -> Refused:
        return Refused(f"{self} does not answer as a package index (PEP 503): check {READS}")

    def __str__(self) -> str:
        return without_credentials(self._address)


def _user(environment: Mapping[str, str]) -> tuple[str, str] | None:
    token = environment.get(TOKEN)
    return (environment.get(USER, "__token__"), token) if token else None


def _remedy(status: int) -> str:
    return f"check {USER} and {TOKEN}" if status in (401, 403) else "try again later"


def without_credentials(address: str) -> str:
    """An address as it may be shown."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def without_secrets(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """A text as it may be shown: without the token, and without passwords in addresses."""
    addresses = (environment.get(name, "") for name in (UPLOADS, READS))
    passwords = (urlsplit(address).password for address in addresses)
    for secret in filter(None, (environment.get(TOKEN), *passwords)):
        text = text.replace(secret, "***")
    return text
