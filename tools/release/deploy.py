"""Put a commit into service on a platform of Heroku's kind: ``tox -e deploy [-- REVISION]``.

The platform is pushed to, as git; the service is then asked until it tells the source revision that
was pushed, and answers the golden houses of the published wheel. If that does not come in time,
what ran before is pushed again.

``DEPLOY_REMOTE`` is the git address of the platform, ``DEPLOY_URL`` where its service answers,
``DEPLOY_API_KEY`` a key where it wants one. The index is named as for ``tools/release/publish.py``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tools.release.deployed_service import Expected, NotInService, Service, Told, told_in_words
from tools.release.package_index import Refused, without_credentials, without_secrets
from tools.release.platform_git import Platform, commit_to_deploy
from tools.release.released_wheel import released_wheel

REMOTE, URL, KEY, PATIENCE = "DEPLOY_REMOTE", "DEPLOY_URL", "DEPLOY_API_KEY", "DEPLOY_PATIENCE"
DEFAULT_PATIENCE = 300  # seconds


class Settings(NamedTuple):
    """Where to deploy to, as the environment says."""

    remote: str
    url: str
    key: str | None
    patience: float

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Raises Refused where one is missing or makes no sense."""
        missing = [name for name in (REMOTE, URL) if not environment.get(name)]
        if missing:
            raise Refused(f"set {' and '.join(missing)}: where to push to, and where it answers")
        url, patience = environment[URL], environment.get(PATIENCE, str(DEFAULT_PATIENCE))
        if not url.startswith(("https://", "http://")):
            raise Refused(f"{URL} is {without_credentials(url)}: expected https://HOST")
        if not patience.isdecimal() or not 1 <= int(patience) <= 86_400:
            raise Refused(f"{PATIENCE} is {patience}: expected seconds, from 1 to 86400")
        return cls(environment[REMOTE], url.rstrip("/"), environment.get(KEY), int(patience))


def main() -> None:
    """Deploy, prove it, and take it back if it does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("revision", nargs="?", default="HEAD", help="what to deploy (HEAD)")
    parser.add_argument("--branch", default="main", help="the branch that the platform runs")
    arguments = parser.parse_args()
    try:
        settings = Settings.read()
        platform = Platform(settings.remote, arguments.branch)
        service = Service(settings.url, key=settings.key, patience=settings.patience)
        deploy(arguments.revision, platform, service)
    except Refused as refused:
        sys.exit(without_secrets(f"deploy: {refused}"))


def deploy(revision: str, platform: Platform, service: Service) -> None:
    """Push ``revision`` and see it in service; else put back what was there, and say so."""
    commit = commit_to_deploy(revision)
    with tempfile.TemporaryDirectory(prefix="deploy-") as folder:
        expected = Expected.of(released_wheel(commit.requirement, Path(folder)), commit.told)
    say(f"to deploy: {revision}, source revision {commit.source}")
    say(f"platform commit {commit.sha}, made of it")
    if commit.told["revision"] is None:
        say("caution: this source tells no revision; another that tells none may pass for it")
    before = platform.deployed()
    told = service.version()
    say(f"in service before: {told_in_words(told) if told else 'nothing'}")
    if before == commit.sha:
        say("the platform has this commit already: nothing is pushed")
    else:
        platform.push(commit.sha, instead_of=before)
    try:
        service.see(expected)
    except NotInService as fault:
        if before in (None, commit.sha):
            raise Refused(f"{fault}. There is no other platform commit to put back") from None
        say(f"{fault}\nputting platform commit {before} back")
        raise Refused(f"{fault}. {put_back(before, told, commit.sha, platform, service)}") from None
    say(f"in service: {expected}")


def put_back(
    before: str, told: Told | None, failed: str, platform: Platform, service: Service
) -> str:
    """Push what ran before a deployment that does not hold; what came of it, in a sentence."""
    try:
        platform.push(before, instead_of=failed)
        if told is not None:
            service.see_again(told)
    except (Refused, NotInService) as fault:
        return f"NOT rolled back: {fault}. Look at the platform at once"
    if told is None:
        return "Rolled back: what ran before was pushed again; it did not answer before either"
    words = told_in_words(told)
    return f"Rolled back: platform commit {before} was pushed again, and {words} answers"


def say(line: str) -> None:
    """Print at once, between the lines of the platform."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
