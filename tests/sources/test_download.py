"""A download is whole and within limits, or it is an error that says what to do."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from regression_model.errors import FetchFailed
from regression_model.sources.download import Limits, Service, address_in

QUICK = Limits(silence=0.3, whole=1.0, size=1000, retries=2, wait=0.01, longest_wait=1)
SECRET = "Basic c2VjcmV0"  # noqa: S105  # made up


def asked(**more: Any) -> Service:
    return Service("The service", "SERVICE_URL", limits=QUICK, **more)


def test_the_file_comes_whole_with_its_progress(service: Any) -> None:
    service.say("/file", b"a,b\n" * 200, pieces=4, pause=0.05)
    seen: list[tuple[int, int | None]] = []

    file = asked().download(f"{service.address}/file", lambda *now: seen.append(now))

    assert file.body == b"a,b\n" * 200
    assert file.address == f"{service.address}/file"
    assert seen[-1] == (800, 800)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert len(seen) > 1
    assert "authorization" not in service.asked[0][1]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(service: Any, status: int) -> None:
    service.say("/file", b"", status)
    service.say("/file", b"", status)
    service.say("/file", b"data")

    assert asked().download(f"{service.address}/file").body == b"data"
    assert len(service.asked) == 3


def test_the_service_says_how_long_to_wait(service: Any) -> None:
    service.say("/file", b"", 429, headers={"Retry-After": "1"})
    service.say("/file", b"data")

    begun = time.monotonic()

    assert asked().download(f"{service.address}/file").body == b"data"
    assert time.monotonic() - begun >= 1


def test_no_service_makes_one_wait_for_ever(service: Any) -> None:
    service.say("/file", b"", 429, headers={"Retry-After": "86400"})
    service.say("/file", b"data")

    assert asked().download(f"{service.address}/file").body == b"data"  # after a second


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"status": 503}, "answers 503 to .*/file: fetch again later"),
        ({"status": 404}, "answers 404 to .*/file: look at SERVICE_URL, which names"),
        ({"status": 418, "body": b'{"message": "I am\\n a teapot."}'}, r"answers 418 \(I am a teapot\) to"),
        ({"status": 412, "body": b'{"error": {"message": "Unknown dataset"}}'}, r"412 \(Unknown dataset\)"),
        ({"status": 404, "body": b"<html>secrets</html>"}, "answers 404 to"),
        ({"status": 404, "body": b'["odd"]'}, "answers 404 to"),
        ({"status": 404, "body": b'{"message": {"odd": 1}}'}, "answers 404 to"),
        ({"status": 404, "body": b'{"error": "odd"}'}, "answers 404 to"),
        ({"body": b" \n<!DOCTYPE html><p>Sign in"}, "a web page instead of data from .*; look at it in a"),
        ({"body": b"half", "length": 90}, "the download broke off; fetch again"),
        ({"body": b"x" * 1001}, "sends more than 0 MiB, which is no such table of sales"),
        ({"body": b"x" * 99, "pieces": 99, "pause": 0.1}, r"had not sent all after 1 seconds \((?!99)\d+ bytes\)"),
        ({"body": b"xx", "pieces": 2, "pause": 1.0}, "silent for 0.3 seconds; fetch again later"),
        ({"status": 302, "headers": {"Location": "/file"}}, "no connection, or a broken one"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said_with_what_to_do(
    service: Any, answer: dict[str, Any], message: str
) -> None:
    service.say("/file", **answer)

    with pytest.raises(FetchFailed, match=message) as failed:
        asked(authorization=SECRET).download(f"{service.address}/file")

    assert "\n" not in str(failed.value)
    assert "c2VjcmV0" not in str(failed.value)
    assert failed.value.__cause__ is None


def test_where_nobody_answers_the_setting_is_named() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/file"

        with pytest.raises(FetchFailed, match=r"no connection, .*; look at the network"):
            asked().download(address)


def test_credentials_go_to_no_other_host(service: Any, other_host: Any) -> None:
    service.say("/file", b"", 302, headers={"Location": f"{other_host.address}/signed?key=1"})
    other_host.say("/signed?key=1", b"data")

    file = asked(authorization=SECRET).download(f"{service.address}/file")

    assert file.body == b"data"
    assert file.address == f"{service.address}/file"
    assert service.asked[0][1]["authorization"] == SECRET
    assert "authorization" not in other_host.asked[0][1]


def test_a_refusal_after_a_redirect_does_not_repeat_the_signed_address(
    service: Any, other_host: Any
) -> None:
    service.say("/file", b"", 302, headers={"Location": f"{other_host.address}/signed?key=1"})
    other_host.say("/signed?key=1", b"half", length=9)

    with pytest.raises(FetchFailed, match="broke off") as failed:
        asked(authorization=SECRET).download(f"{service.address}/file")

    assert "key=1" not in str(failed.value)


def test_what_the_service_repeats_of_the_credentials_is_struck_out(service: Any) -> None:
    service.say("/file", b'{"message": "no such key: hunter2"}', 401)

    with pytest.raises(FetchFailed, match=r"401 \(no such key: \*\*\*\)"):
        asked(authorization=SECRET, secrets=["hunter2"]).download(f"{service.address}/file")


def test_what_holds_credentials_does_not_show_them() -> None:
    assert "c2VjcmV0" not in repr(asked(authorization=SECRET, secrets=["c2VjcmV0"]))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("https://me:hunter2@host", "SETTING: the address holds credentials or a query; give it"),
        ("https://host/?token=hunter2", "SETTING: the address holds credentials or a query"),
        ("host", "SETTING: 'host' is not a web address; expected one like https://host"),
        ("ftp://host", "SETTING: 'ftp://host' is not a web address"),
        ("file:///etc/passwd", "is not a web address"),
        ("https://[", "is not a web address"),
    ],
)
def test_an_address_is_a_plain_one(
    address: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETTING", address)

    with pytest.raises(FetchFailed, match=message) as refused:
        address_in("SETTING", "https://default")

    assert "hunter2" not in str(refused.value)


def test_an_address_may_end_with_a_slash_and_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTING", "https://host/below/")

    assert address_in("SETTING", "https://default") == "https://host/below"
    assert address_in("UNSET", "https://default") == "https://default"


def test_the_proxy_of_the_environment_is_asked(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", service.address.replace("http://", "http://me:hunter2@"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    service.say("http://far.example/file", b"data")

    assert asked().download("http://far.example/file").body == b"data"
    assert service.asked[0][1]["proxy-authorization"].startswith("Basic ")
