"""A platform of Heroku's kind as git sees it: a remote whose branch is what runs."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tools.release.lock_release import locked
from tools.release.package_index import Refused, without_credentials
from tools.release.project import ROOT, run

REQUIREMENTS, REVISION, READER = "requirements.txt", "ml_api/REVISION", "ml_api/revision.py"


class Commit(NamedTuple):
    """What is deployed: the files of a source commit, its own name and the hash of its wheel."""

    sha: str
    source: str
    requirement: str
    told: dict[str, str | None]
    """What ``/version`` answers, besides the model; an old source tells no revision."""


def commit_to_deploy(revision: str) -> Commit:
    """The commit that a revision is deployed as, made anew and always the same.

    The hash of the wheel is in its requirements.txt, the source commit in ``ml_api/REVISION``.
    It has no history: the platform needs none, and a shallow clone has none to give. Raises
    Refused where the revision is unknown, or its wheel is not published.
    """
    source = git(
        "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", fault=f"no {revision}"
    )
    text, requirement = locked(git("show", f"{source}:{REQUIREMENTS}") + "\n")
    tree = tree_with(source, {REQUIREMENTS: text, REVISION: f"{source}\n"})
    date = git("show", "--no-patch", "--format=%cI", source)
    by = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "deploy")
    by |= dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "deploy@localhost")
    by |= dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), date)
    sha = git("commit-tree", tree, "-m", f"Deploy {source}", **by)
    revision_told = source if git("ls-tree", source, READER) else None
    told = {"api_version": git("show", f"{source}:ml_api/VERSION"), "revision": revision_told}
    return Commit(sha, source, requirement, told)


def tree_with(source: str, texts: Mapping[str, str]) -> str:
    """The tree of a commit, with these files in place of its own."""
    with tempfile.TemporaryDirectory(prefix="deploy-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        git("read-tree", source, **index)
        for name, text in texts.items():
            blob = git("hash-object", "-w", "--stdin", stdin=text)
            git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", **index)
        return git("write-tree", **index)


class Platform:
    """The remote, whose address may hold a password: it is not shown."""

    def __init__(self, remote: str, branch: str) -> None:
        self._remote = remote
        self._ref = f"refs/heads/{branch}"

    def deployed(self) -> str | None:
        """The commit that runs, fetched so that it can be pushed again; None before the first."""
        fault = f"{self} cannot be asked"
        listed = git("ls-remote", self._remote, self._ref, fault=fault, secret=self._remote)
        if not listed:
            return None
        sha = listed.split()[0]
        git("fetch", "--quiet", self._remote, self._ref, fault=fault, secret=self._remote)
        return sha

    def push(self, sha: str, *, instead_of: str | None) -> None:
        """Have a commit run; what the platform says of its build is printed as it comes.

        Raises Refused where the platform does not take it, or runs something else by now.
        """
        lease = f"--force-with-lease={self._ref}:{instead_of or ''}"
        command = ["git", "push", "--no-progress", lease, self._remote, f"{sha}:{self._ref}"]
        running = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",  # a build prints what it likes
        )
        with running:
            for line in running.stdout or ():
                print(f"  {hidden(line.rstrip(), self._remote)}", flush=True)
        if running.returncode:
            raise Refused(f"{self} did not take {sha[:12]}: it says why above; what ran still runs")

    def __str__(self) -> str:
        return without_credentials(self._remote)


def git(
    *command: str, fault: str = "", secret: str = "", stdin: str | None = None, **settings: str
) -> str:
    """What git says; Refused where it fails, with ``fault`` and without the secret."""
    ended = run(["git", *command], cwd=ROOT, env=environment() | settings, input=stdin)
    if ended.returncode:
        said = hidden(" ".join(ended.stderr.split()), secret)
        raise Refused(": ".join(filter(None, (fault or f"git {command[0]} failed", said))))
    return ended.stdout.strip()


def environment() -> dict[str, str]:
    """Return an environment in which Git fails if a password is missing, instead of asking."""
    return {**os.environ, "GIT_TERMINAL_PROMPT": "0"}


def hidden(text: str, address: str) -> str:
    """A text without the password of an address."""
    parts = urlsplit(address)
    return text.replace(parts.password, "***") if parts.password else text
