"""The container: its file is clean, its Python the platform's, and where asked for it is run."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest

from ml_api.config import SERVER_SETTINGS
from tools.container import image
from tools.container import layers as image_layers
from tools.container.engine import build_arguments

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "Dockerfile"


def hadolint(text: str) -> subprocess.CompletedProcess[str]:
    program = Path(sysconfig.get_path("scripts"), "hadolint")
    return subprocess.run([program, "-"], input=text, capture_output=True, text=True, timeout=60)


def test_the_dockerfile_is_clean() -> None:
    checked = hadolint(DOCKERFILE.read_text("utf-8"))

    assert checked.returncode == 0, checked.stdout


def test_a_dockerfile_that_is_not_clean_is_told() -> None:
    checked = hadolint(DOCKERFILE.read_text("utf-8").replace("WORKDIR /srv", "RUN cd srv"))

    assert checked.returncode == 1
    assert "DL3003" in checked.stdout


def test_container_and_platform_run_the_same() -> None:
    text = DOCKERFILE.read_text("utf-8")
    python = (ROOT / ".python-version").read_text("ascii").strip()
    (command,) = re.findall(r"^CMD (.*)$", text, re.M)
    (default,) = (s.default for s in SERVER_SETTINGS if s.name == "PORT")

    assert f"ARG BASE=python:{python}-slim\n" in text
    assert (ROOT / "Procfile").read_text("utf-8") == f"web: {' '.join(json.loads(command))}\n"
    for port in re.findall(r"(?:PORT=|EXPOSE )(\d+)", text):
        assert int(port) == default


def test_a_build_is_told_what_holds_inside_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nindex-url = http://localhost:1/simple\ntimeout = 5\nfind-links = /wheels\n"
        "extra-index-url = file:///wheels\n[install]\ntimeout = 6\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_CERT", "/certificates.crt")

    with image.pip_secrets() as secrets:
        told = secrets["pip"].read_text().splitlines()

    assert told == [
        "[global]",
        "index-url = http://localhost:1/simple",
        "timeout = 6",
        "cert = /run/secrets/certificates",
    ]
    assert secrets["certificates"] == Path("/certificates.crt")
    assert not secrets["pip"].exists()


def test_a_build_is_given_what_is_known() -> None:
    given = {"BASE": None, "REVISION": "0" * 40}

    assert build_arguments("name", given, {"pip": Path("pip.conf")}) == [
        "--tag=name",
        f"--build-arg=REVISION={'0' * 40}",
        "--secret=id=pip,src=pip.conf",
    ]


def test_an_image_of_committed_files_has_their_revision(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tools.container.image.ROOT", tmp_path)
    (tmp_path / "ml_api").mkdir()
    (tmp_path / "ml_api" / "VERSION").write_text("1")
    in_no_repository = image.source_revision()

    git = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "All"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True, timeout=60)
    (tmp_path / "README.md").write_text("not in the image")
    committed = image.source_revision()
    (tmp_path / "ml_api" / "VERSION").write_text("2")

    assert re.fullmatch("[0-9a-f]{40}", committed or "")
    assert in_no_repository is None
    assert image.source_revision() is None


@pytest.mark.parametrize(("given", "written"), [("0" * 40, f"{'0' * 40}\n"), ("", None)])
def test_the_dockerfile_writes_the_revision_where_it_is_given(
    tmp_path: Path, given: str, written: str | None
) -> None:
    (command,) = re.findall("^RUN (.*REVISION.*)$", DOCKERFILE.read_text("utf-8"), re.M)
    (tmp_path / "ml_api").mkdir()

    subprocess.run(
        ["sh", "-ec", command], cwd=tmp_path, env={"REVISION": given}, check=True, timeout=60
    )

    file = tmp_path / "ml_api" / "REVISION"
    assert (file.read_text() if file.exists() else None) == written


def test_layers_are_weighed_by_the_instruction_that_made_them(tmp_path: Path) -> None:
    digest = "0" * 64
    made = [
        {"created_by": "debootstrap bookworm"},
        {"created_by": "/bin/sh -c #(nop) ENV PORT=5000", "empty_layer": True},
        {"created_by": f"/bin/sh -c #(nop) COPY dir:{digest} in /srv "},
    ]
    files = {
        "manifest.json": json.dumps([{"Config": "config.json", "Layers": ["a.tar", "b.tar"]}]),
        "config.json": json.dumps({"history": made}),
        "a.tar": "a" * 3_000_000,
        "b.tar": "b" * 10,
    }
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))

    weighed = image_layers.layers(tmp_path / "image.tar")

    assert [(layer.made_by, layer.size) for layer in weighed] == [
        ("debootstrap bookworm", 3_000_000),
        ("COPY /srv", 10),
    ]
    assert 0 < weighed[0].packed < 10_000
    assert image_layers.table(weighed).endswith("\n| total | 3.00 | 0.00 |")


def test_the_image_keeps_its_promises(tmp_path: Path) -> None:
    if os.environ.get("REGRESSION_MODEL_TEST_IMAGE") != "1":
        pytest.skip("REGRESSION_MODEL_TEST_IMAGE is not 1: minutes, an engine, a wheel in dist/")
    command = [sys.executable, "-m", "tools.container.image", "--storage", str(tmp_path)]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONSAFEPATH"}

    built = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800
    )

    assert built.returncode == 0, built.stdout + built.stderr
    assert "- SIGTERM: ended with 0" in built.stdout
