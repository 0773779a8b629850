"""A file from a web service: whole, within limits of size and time, or an error with a remedy."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, Retry, Timeout, make_headers
from urllib3.exceptions import (
    HTTPError,
    LocationParseError,
    MaxRetryError,
    ProtocolError,
    ReadTimeoutError,
)
from urllib3.util import parse_url

from regression_model.errors import FetchFailed
from regression_model.version import DISTRIBUTION, VERSION

Progress = Callable[[int, int | None], None]  # bytes so far, and in all where that is known
PASSING = (429, 500, 502, 503, 504)
MIB = 2**20
CHUNK = 2**16
MOST_SAID = 300


@dataclass(frozen=True)
class Limits:
    """Beyond these a download is given up: seconds and bytes."""

    silence: float = 30
    whole: float = 600
    size: int = 64 * MIB
    retries: int = 4
    wait: float = 1  # before the second retry; doubles with each
    longest_wait: int = 60


@dataclass(frozen=True)
class Download:
    """What came from ``address``."""

    address: str
    body: bytes


@dataclass(frozen=True)
class Fetched:
    """Files for the datasets folder by name, and the downloads that they were made of."""

    files: Mapping[str, bytes]
    downloads: Sequence[Download]


@dataclass(frozen=True)
class Service:
    """A web service: its name, the variable that holds its address, what helps when it refuses.

    ``authorization`` is sent to the host that is asked, and to none that it redirects to;
    ``secrets`` are struck out of every message of the service.
    """

    name: str
    variable: str
    remedies: Mapping[int, str] = field(default_factory=dict)
    authorization: str | None = field(default=None, repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)
    limits: Limits = Limits()

    def download(self, address: str, progress: Progress | None = None) -> Download:
        """The file at ``address``; passing failures are tried again, as the service asks.

        Raises :class:`FetchFailed` for every other answer than 200, a web page, a broken-off
        download, and beyond the limits.
        """
        check_address(address, said_by=self.name)
        try:
            with _connections(address) as connections:
                response = self._asked(connections, address)
                with closing(response):
                    if response.status != 200:
                        raise self._refused(response, address)
                    body = self._body(response, progress or (lambda done, total: None))
        except HTTPError as error:
            # Its own words may hold the signed address of a redirect, so the chain ends here.
            raise FetchFailed(f"{self.name}, {address}: {self._reason(error)}") from None
        if body.lstrip()[:1] == b"<":
            raise FetchFailed(
                f"{self.name} sent a web page instead of data from {address}; look at it in a "
                f"browser (a proxy that asks for a login?), and at {self.variable}"
            )
        return Download(address, body)

    def _asked(self, connections: PoolManager, address: str) -> BaseHTTPResponse:
        headers = {"User-Agent": f"{DISTRIBUTION}/{VERSION}"}
        if self.authorization is not None:
            headers["Authorization"] = self.authorization
        retries = Retry(
            total=None,
            connect=2,
            read=1,
            other=0,
            redirect=5,
            status=self.limits.retries,
            status_forcelist=PASSING,
            raise_on_status=False,
            backoff_factor=self.limits.wait,
            retry_after_max=self.limits.longest_wait,
        )
        return connections.request(
            "GET",
            address,
            headers=headers,
            retries=retries,
            timeout=Timeout(self.limits.silence),
            preload_content=False,
        )

    def _body(self, response: BaseHTTPResponse, progress: Progress) -> bytes:
        given = response.headers.get("Content-Length", "")
        total = int(given) if given.isdigit() else None
        deadline = time.monotonic() + self.limits.whole
        body = bytearray()
        while chunk := response.read1(CHUNK):
            body += chunk
            progress(len(body), total)
            if len(body) > self.limits.size:
                raise FetchFailed(
                    f"{self.name} sends more than {self.limits.size / MIB:.0f} MiB, which is no "
                    f"such table of sales; look at {self.variable}"
                )
            if time.monotonic() > deadline:
                raise FetchFailed(
                    f"{self.name} had not sent all after {self.limits.whole:g} seconds "
                    f"({len(body):,} bytes); fetch again later"
                )
        return bytes(body)

    def _refused(self, response: BaseHTTPResponse, address: str) -> FetchFailed:
        said = self._said(response)
        remedy = self.remedies.get(response.status) or (
            "fetch again later"
            if response.status in PASSING
            else f"look at {self.variable}, which names the service's address"
        )
        reason = f" ({said})" if said else ""
        return FetchFailed(f"{self.name} answers {response.status}{reason} to {address}: {remedy}")

    def _said(self, response: BaseHTTPResponse) -> str:
        """The service's own words where it gives them as JSON, on one line."""
        try:
            answer = json.loads(response.read(CHUNK))
        except (ValueError, HTTPError):
            return ""
        answer = answer.get("error", answer) if isinstance(answer, dict) else {}
        words = answer.get("message") if isinstance(answer, dict) else None
        said = " ".join(words.split())[:MOST_SAID] if isinstance(words, str) else ""
        for secret in self.secrets:
            said = said.replace(secret, "***")
        return said.rstrip(".")

    def _reason(self, error: HTTPError) -> str:
        if isinstance(error, MaxRetryError) and isinstance(error.reason, HTTPError):
            error = error.reason
        if isinstance(error, ReadTimeoutError):
            return f"silent for {self.limits.silence:g} seconds; fetch again later"
        if isinstance(error, ProtocolError):
            return "the download broke off; fetch again"
        return (
            f"no connection, or a broken one ({type(error).__name__}); look at the network, and "
            f"at {self.variable}"
        )


def address_in(variable: str, default: str) -> str:
    """The address of a service from the environment, without a slash at its end."""
    address = os.environ.get(variable) or default
    check_address(address, said_by=variable)
    return address.rstrip("/")


def check_address(address: str, *, said_by: str) -> None:
    """Refuse what is no plain web address; one with credentials is not repeated."""
    try:
        url = parse_url(address)
    except LocationParseError:
        url = parse_url("")
    if url.auth is not None or url.query is not None:
        raise FetchFailed(
            f"{said_by}: the address holds credentials or a query; give it without them (Kaggle's "
            "belong in KAGGLE_USERNAME and KAGGLE_KEY)"
        )
    if url.scheme not in ("http", "https") or not url.host:
        raise FetchFailed(
            f"{said_by}: {address!r} is not a web address; expected one like https://host"
        )


def _connections(address: str) -> PoolManager:
    """Connections to a host, through the proxy that the environment names for it."""
    url = parse_url(address)
    proxy = getproxies().get(url.scheme or "")
    if proxy is None or proxy_bypass(url.host or ""):
        return PoolManager()
    credentials = parse_url(proxy).auth
    headers = make_headers(proxy_basic_auth=unquote(credentials)) if credentials else None
    return ProxyManager(proxy, proxy_headers=headers)
