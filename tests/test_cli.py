"""The console script: what each command prints, where, and with which exit code."""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from regression_model.artifact import open_artifact, save_artifact
from regression_model.cli import group

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = [
    "data fetch",
    "explore",
    "train",
    "tune",
    "evaluate",
    "diff",
    "predict",
    "explain",
    "sample",
    "info",
    "doctor",
]
HEADER = "Id,Neighborhood,OverallQual,YearBuilt,GrLivArea"
VERSION = ROOT.joinpath("regression_model/VERSION").read_text().strip()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test in a folder of its own, with no model but the one it names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(tmp_path / "no model here"))
    monkeypatch.delenv("REGRESSION_MODEL_DATASETS", raising=False)


def call(*arguments: Any) -> Result:
    """Run a command; an exception that no command should let through is raised here."""
    result = CliRunner().invoke(group, [str(a) for a in arguments], prog_name="regression-model")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run(*arguments: Any, absent: str = "", program: str = "main()") -> Any:
    """Run a command in a process of its own, where the libraries ``absent`` are not installed."""
    blocker = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent.split()!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from regression_model.cli import main
sys.argv = ["regression-model", *{[str(a) for a in arguments]!r}]
{program}
"""
    return subprocess.run(
        [sys.executable, "-c", blocker],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "houses.csv"
    path.write_text(f"{HEADER}\n1,NAmes,5,1960,1000\n2,NAmes,5,1960,-1\n3,Nowhere,5,1960,1000\n")
    return path


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of two hundred synthetic sales."""
    path = tmp_path_factory.mktemp("sales") / "sales.csv"
    assert call("sample", 200, "--output", path).exit_code == 0
    return path


@pytest.fixture
def own_artifact(artifact: Path, tmp_path: Path) -> Path:
    """A copy of the small artifact that a test may spoil: the folder that holds the files."""
    shutil.copytree(artifact, tmp_path / "artifacts")
    return tmp_path / "artifacts" / artifact.joinpath("CURRENT").read_text().strip()


# Help and bad use


def test_help_names_every_command_with_a_first_round_and_the_exit_codes() -> None:
    result = call("--help")

    assert result.exit_code == 0
    for name in COMMANDS:
        listed = name.partition(" ")[0]
        assert re.search(rf"^  {listed}  +\w", result.output, re.MULTILINE), name
    assert "regression-model predict houses.csv --output prices.csv" in result.output
    assert re.search(r"Exit codes: 0 .*1 .*2 ", result.output, re.DOTALL)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_teaches_by_an_example(name: str) -> None:
    result = call(*name.split(), "--help")

    assert result.exit_code == 0
    assert re.search(rf"^ +regression-model {name}\b", result.output, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_for_machines(name: str) -> None:
    assert "--json" in call(*name.split(), "--help").output


def test_the_version_is_the_one_in_the_version_file() -> None:
    result = call("--version")

    assert result.exit_code == 0
    assert VERSION in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predct"], "No such command 'predct'"),
        (["predict"], "Missing argument 'INPUT'"),
        (["predict", "houses.csv"], "Missing option '--output'"),
        (["explain"], "Missing argument 'INPUT'"),
        (["explain", "houses.csv", "--row", "-1"], "-1 is not in the range x>=0"),
        (["evaluate"], "Missing option '--data'"),
        (["sample", "five", "--output", "x.csv"], "'five' is not a valid integer"),
        (["sample", "-1", "--output", "x.csv"], "No such option|-1 is not in the range"),
        (["train", "--repeats", "0"], "0 is not in the range 1<=x<=100"),
        (["info", "--nonsense"], "No such option"),
    ],
)
def test_bad_use_is_exit_code_2_and_said_on_standard_error(
    arguments: list[str], message: str
) -> None:
    result = call(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert re.search(message, result.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "houses.csv", "--output", "prices.csv"],
        ["explain", "houses.csv"],
        ["evaluate", "--data", "houses.csv"],
        ["info"],
        ["doctor"],
    ],
)
def test_without_a_model_every_command_says_how_to_make_one(
    table: Path, tmp_path: Path, arguments: list[str]
) -> None:
    for chosen in (arguments, [*arguments, "--artifact", str(tmp_path)]):
        result = call(*chosen)

        assert result.exit_code == 2
        assert result.stdout == ""
        assert "there is no trained model in" in result.stderr
        assert "regression-model train" in result.stderr


def test_an_error_is_a_sentence_on_standard_error_without_a_traceback(artifact: Path) -> None:
    ended = run("predict", "absent.csv", "--output", "prices.csv", "--artifact", artifact)

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == "Error: absent.csv: cannot be read: No such file or directory\n"


# predict


def test_predict_writes_a_row_for_each_house_and_counts_them(artifact: Path, table: Path) -> None:
    result = call("predict", table, "--output", "prices.csv", "--artifact", artifact)

    with Path("prices.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "3 houses: 2 priced, 1 refused, 1 with warnings" in result.stderr
    assert [row["Id"] for row in rows] == ["1", "2", "3"]
    assert [bool(row["prediction"]) for row in rows] == [True, False, True]
    assert "GrLivArea must lie in" in rows[1]["errors"]


def test_predict_finds_the_artifact_that_the_environment_names(
    artifact: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))

    assert call("predict", table, "--output", "prices.csv").exit_code == 0
    assert Path("prices.csv").is_file()


def test_predict_answers_in_json(artifact: Path, table: Path) -> None:
    result = call("predict", table, "--output", "p.ndjson", "--artifact", artifact, "--json")

    assert json.loads(result.stdout) == {
        "output": "p.ndjson",
        "version": VERSION,
        "rows": 3,
        "priced": 2,
        "warned": 1,
    }


@pytest.mark.parametrize("workers", [1, 3])
def test_predict_says_the_same_on_any_number_of_cores(
    artifact: Path, table: Path, workers: int
) -> None:
    usual = ["predict", table, "--artifact", artifact, "--output"]
    assert call(*usual, "prices.csv").exit_code == 0

    assert call(*usual, "again.csv", "--workers", workers).exit_code == 0

    assert Path("again.csv").read_text() == Path("prices.csv").read_text()


def test_predict_wants_a_core(artifact: Path, table: Path) -> None:
    result = call("predict", table, "--output", "p.csv", "--artifact", artifact, "--workers", 0)

    assert result.exit_code == 2
    assert "'--workers': 0 is not in the range x>=1" in result.stderr


@pytest.mark.parametrize("absent", ["pyarrow", "onnx"])
def test_predict_without_the_batch_libraries_writes_the_same(
    artifact: Path, table: Path, absent: str
) -> None:
    usual = ["predict", table, "--artifact", artifact, "--output"]
    assert call(*usual, "prices.csv").exit_code == 0

    ended = run(*usual, "again.csv", absent=absent)

    assert ended.returncode == 0, ended.stderr
    assert Path("again.csv").read_text() == Path("prices.csv").read_text()


def test_predict_mentions_columns_that_it_does_not_use(artifact: Path, tmp_path: Path) -> None:
    tmp_path.joinpath("houses.csv").write_text(f"{HEADER},Colour\n1,NAmes,5,1960,1000,red\n")

    result = call("predict", "houses.csv", "--output", "prices.csv", "--artifact", artifact)

    assert result.exit_code == 0
    assert "1 unknown column(s) are not used: Colour" in result.stderr


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("houses.txt", "prices.csv", "houses.txt: unknown kind of table; expected .csv"),
        ("houses.csv", "prices.xlsx", "prices.xlsx: unknown kind of table; expected .csv"),
        ("houses.csv", "absent/prices.csv", "absent/prices.csv: cannot be written"),
        ("houses.csv", "folder.csv", "folder.csv: cannot be written"),
        ("folder.csv", "prices.csv", "folder.csv: cannot be read"),
        ("bad.csv", "prices.csv", "bad.csv: no column of a house in the header"),
    ],
)
def test_predict_refuses_what_it_cannot_read_or_write(
    artifact: Path, table: Path, tmp_path: Path, source: str, target: str, message: str
) -> None:
    (tmp_path / "bad.csv").write_text("a;b\n1;2\n")
    (tmp_path / "folder.csv").mkdir()

    result = call("predict", source, "--output", target, "--artifact", artifact)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert not (tmp_path / "prices.csv").exists()


def test_predict_on_a_full_disk_says_so_and_keeps_the_old_table(
    artifact: Path, tmp_path: Path
) -> None:
    lines = "".join(f"{i},NAmes,5,1960,1000\n" for i in range(4000))
    tmp_path.joinpath("houses.csv").write_text(f"{HEADER}\n{lines}")
    tmp_path.joinpath("prices.csv").write_text("what stood here before")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); main()"

    ended = run(
        "predict", "houses.csv", "--output", "prices.csv", "--artifact", artifact, program=limit
    )

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "prices.csv: cannot be written: File too large" in ended.stderr
    assert tmp_path.joinpath("prices.csv").read_text() == "what stood here before"
    assert {p.name for p in tmp_path.iterdir()} == {"houses.csv", "prices.csv"}


def test_train_on_a_full_disk_says_so_and_keeps_the_old_model(
    sold: Path, small_config: Path, tmp_path: Path
) -> None:
    arguments = ["train", "--data", sold, "--config", small_config, "--output", "models"]
    assert run(*arguments).returncode == 0
    before = {p: p.read_bytes() for p in tmp_path.joinpath("models").rglob("*") if p.is_file()}
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); main()"

    ended = run(*arguments, program=limit)

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "File too large. Nothing was changed" in ended.stderr
    after = {p: p.read_bytes() for p in tmp_path.joinpath("models").rglob("*") if p.is_file()}
    assert after == before


def test_tune_on_a_full_disk_says_so_in_one_line(sold: Path, small_config: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); main()"

    ended = run("tune", "--data", sold, "--config", small_config, program=limit)

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("Error: tune.db: cannot hold a study: ")


# explain


def shown(*arguments: Any, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a terminal of this width shows, without its colours."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    result = call("explain", *arguments)
    assert result.exit_code == 0, result.stderr
    return re.sub(r"\x1b\[[0-9;]*m", "", result.stdout).splitlines()


def dollars(line: str) -> int:
    """The amount at the end of a line."""
    sign, amount = re.search(r"([-+]?)\$([\d,]+)$", line.rstrip()).groups()  # type: ignore[union-attr]
    return int(f"{sign}{amount.replace(',', '')}")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("row", [0, 9])
def test_explain_shows_amounts_that_add_up_to_the_price(
    artifact: Path, width: int, row: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("sample", 12, "--output", "houses.csv").exit_code == 0

    lines = shown(
        "houses.csv", "--row", row, "--artifact", artifact, width=width, monkeypatch=monkeypatch
    )

    start = next(i for i, line in enumerate(lines) if line.startswith("typical house "))
    end = next(i for i, line in enumerate(lines) if line.startswith("price "))
    amounts = [dollars(line) for line in lines[start:end]]
    assert sum(amounts) == pytest.approx(dollars(lines[end]), abs=len(amounts) / 2)
    assert f"Row {row} of houses.csv: ${dollars(lines[end]):,}" in lines[0]
    assert re.search(r"^90% range \$[\d,]+ to \$[\d,]+, FSD [\d.]+%$", lines[1].rstrip())
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    for line in lines[start + 1 : end]:
        bar = re.search(r"([█▐]*)│([█▌]*)", line)
        if bar is not None and len(bar[0]) > 1:
            assert bool(bar[1]) == (dollars(line) < 0)


def test_explain_warns_loudly_that_sales_of_the_sample_never_happened(
    artifact: Path, table: Path
) -> None:
    result = call("explain", table, "--artifact", artifact)

    assert result.exit_code == 0
    assert "SYNTHETIC" in result.stdout
    assert len(re.findall(r"^Id \d+ +\d{4}-\d{2} +\d+\.\d% +\$", result.stdout, re.MULTILINE)) == 5


def test_explain_answers_in_json_what_the_model_answers(artifact: Path, table: Path) -> None:
    from regression_model import load_model

    result = call("explain", table, "--row", 2, "--artifact", artifact, "--json")

    house = {"Id": 3, "Neighborhood": "Nowhere", "OverallQual": 5, "YearBuilt": 1960}
    expected = load_model(artifact).predict({**house, "GrLivArea": 1000}, explain=True)
    assert json.loads(result.stdout) == expected


@pytest.mark.parametrize("wrap", [lambda h: h[0], lambda h: h, lambda h: {"inputs": h}])
def test_explain_reads_houses_in_json(artifact: Path, tmp_path: Path, wrap: Any) -> None:
    house = dict(zip(HEADER.split(","), (1, "NAmes", 5, 1960, 1000), strict=True))
    tmp_path.joinpath("house.json").write_text(json.dumps(wrap([house])))

    result = call("explain", "house.json", "--artifact", artifact, "--json")

    assert json.loads(result.stdout)["ids"] == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["houses.csv", "--row", "3"],
            "houses.csv has 3 row(s), counted from 0; there is no row 3",
        ),
        (["houses.csv", "--row", "1"], "row 1 of houses.csv has no price: GrLivArea must lie in"),
        (["houses.txt"], "houses.txt: unknown kind of table; expected .csv"),
        (["absent.csv"], "absent.csv: cannot be read: No such file"),
        (["absent.json"], "absent.json: cannot be read: No such file"),
        (["bad.json"], "bad.json: the body is not strict JSON"),
        (["empty.json"], "empty.json: the list of houses is empty"),
    ],
)
def test_explain_refuses_what_it_cannot_explain(
    artifact: Path, table: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    tmp_path.joinpath("bad.json").write_text("{")
    tmp_path.joinpath("empty.json").write_text("[]")

    result = call("explain", *arguments, "--artifact", artifact)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr


# sample


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_what_sample_writes_predict_prices(artifact: Path, kind: str) -> None:
    sampled_as = f"houses.{kind}"
    sampled = call("sample", 12, "--output", sampled_as)
    result = call("predict", sampled_as, "--output", "p.csv", "--artifact", artifact, "--json")

    assert sampled.exit_code == 0
    assert "12 synthetic houses written to" in sampled.stderr
    counts = json.loads(result.stdout)
    assert (counts["rows"], counts["priced"]) == (12, 12)


def test_sample_gives_the_same_houses_for_the_same_seed() -> None:
    for name, seed in (("a.csv", 1), ("b.csv", 1), ("c.csv", 2)):
        assert call("sample", 20, "--output", name, "--seed", seed).exit_code == 0

    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes() != Path("c.csv").read_bytes()


@pytest.mark.parametrize(
    ("target", "message"),
    [("houses.xlsx", r"houses\.xlsx"), ("absent/houses.csv", r"absent/houses\.csv")],
)
def test_sample_refuses_a_file_that_it_cannot_write(target: str, message: str) -> None:
    result = call("sample", 3, "--output", target)

    assert result.exit_code == 2
    assert re.search(message, result.stderr)


# explore


def test_explore_says_what_deserves_a_look_and_writes_a_page(sold: Path, table: Path) -> None:
    result = call("explore", "--data", table, "--against", sold, "--report", "page.html")

    assert result.exit_code == 0
    assert "houses.csv: 3 rows, 4 columns" in result.stdout
    assert "GrLivArea must lie in" in result.stdout
    assert "'Nowhere' is not a level of Neighborhood" in result.stdout
    assert result.stderr.rstrip().endswith("page written to page.html")
    page = Path("page.html").read_text("utf-8")
    assert "<h1>Exploration of houses.csv</h1>" in page
    assert "Differences from sales.csv" in page


def test_explore_answers_in_json(sold: Path) -> None:
    result = call("explore", "--data", sold, "--report", "page.html", "--json")

    told = json.loads(result.stdout)
    assert (told["report"], told["table"]["rows"], told["against"]) == ("page.html", 200, None)
    assert not [f for f in told["findings"] if f["weight"] == "refused"]
    assert told["target"][0]["share"] > 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "absent.csv"], "absent.csv: cannot be read: No such file"),
        (["--data", "houses.txt"], "unknown kind of table; expected .csv"),
        (["--data", "notes.csv"], "no column of a house in the header"),
        (["--data", "houses.csv", "--against", "absent.csv"], "absent.csv: cannot be read"),
        (["--data", "houses.csv", "--config", "absent.yml"], "absent.yml: cannot be read"),
        (["--data", "houses.csv", "--report", "page.pdf"], "name a file that ends with .html"),
        (["--data", "houses.csv", "--report", "absent/page.html"], "cannot be written"),
    ],
)
def test_explore_refuses_what_it_cannot_use(
    table: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    report = [] if "--report" in arguments else ["--report", "page.html"]

    result = call("explore", *arguments, *report)

    assert result.exit_code == 2
    assert message in result.stderr
    assert not list(tmp_path.glob("*.html"))


@pytest.mark.parametrize(("package", "purpose"), [("matplotlib", "A plot"), ("jinja2", "A page")])
def test_without_the_libraries_of_reports_explore_says_what_to_install(
    table: Path, package: str, purpose: str
) -> None:
    ended = run("explore", "--data", table, "--report", "page.html", absent=package)

    assert ended.returncode == 2
    assert ended.stderr == (
        f"Error: {purpose} needs {package}, which is not installed. "
        'Install it with: pip install "regression-model[report]"\n'
    )


# train, evaluate, info


def test_train_saves_a_model_that_predicts(
    sold: Path, small_config: Path, table: Path, tmp_path: Path
) -> None:
    result = call("train", "--data", sold, "--config", small_config, "--output", "models")

    assert result.exit_code == 0
    for word in ("2-fold cross-validation", "hold-out of 20%", "RMSLE", "MdAPE", "plain Lasso"):
        assert word in result.stdout
    assert re.search(r"twins: at most \$\S+ apart on 200 training rows", result.stdout)
    (folder,) = (tmp_path / "models").glob("regression_model-*")
    assert result.stdout.rstrip().endswith(f"saved: models/{folder.name}")
    assert open_artifact(tmp_path / "models").manifest["data"]["source"] == "file"
    priced = call("predict", table, "--output", "prices.csv", "--artifact", "models")
    assert priced.exit_code == 0
    assert call("doctor", "--artifact", "models").exit_code == 0


def test_train_answers_in_json(sold: Path, small_config: Path) -> None:
    result = call("train", "--data", sold, "--config", small_config, "--output", "models", "--json")

    summary = json.loads(result.stdout)
    assert Path(summary["artifact"]).is_dir()
    assert (summary["data"]["source"], summary["data"]["rows"]) == ("file", 200)
    assert set(summary["cross_validated"]) == {"model", "plain Lasso", "mean"}
    scores = summary["cross_validated"]
    assert scores["model"]["rmsle"] < scores["mean"]["rmsle"]
    assert summary["parity"]["largest_on_edges"] <= 1
    assert summary["parity"]["edge_rows"] >= 10_000


def test_train_that_fails_the_gate_is_exit_code_1_and_saves_nothing(
    sold: Path, small_config: Path, tmp_path: Path
) -> None:
    strict = tmp_path / "strict.yml"
    strict.write_text(small_config.read_text().replace("rmsle: 1.0", "rmsle: 0.0001"))

    result = call("train", "--data", sold, "--config", strict, "--output", "models")

    assert result.exit_code == 1
    assert "RMSLE is 0." in result.stderr
    assert "must be at most 0.0001" in result.stderr
    assert not list(tmp_path.glob("models/*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "absent.csv"], "absent.csv: cannot be read: No such file"),
        (["--data", "houses.csv"], "houses.csv is refused as a table of sales"),
        (["--data", "houses.txt"], "unknown kind of table; expected .csv"),
        (["--config", "absent.yml"], "absent.yml: cannot be read"),
        (["--config", "bad.yml"], "bad.yml"),
        (["--output", "houses.csv/x"], "cannot be written to; name another folder with --output"),
        (["--sql", "SELECT 1"], "--sql needs a database: --database, or REGRESSION_MODEL_DATABASE"),
        (["--database", "sqlite:///a.db"], "--database is for --sql, which gives the query"),
        (["--sql", "SELECT 1", "--data", "a.csv"], "--data and --sql both name the sales"),
        (["--sql", "SELECT 1", "--database", "sqlite:///a.db"], "a.db: there is no such SQLite"),
    ],
)
def test_train_refuses_what_it_cannot_use(
    table: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "bad.yml").write_text("name: [flow, list]\n")
    output = [] if "--output" in arguments else ["--output", "models"]

    result = call("train", *arguments, *output)

    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "models").exists()


# tune


@pytest.fixture
def poor_config(small_config: Path, tmp_path: Path) -> str:
    """A config of which the search finds at once what is wrong: trees that learn next to nothing."""
    text = small_config.read_text()
    start, end = text.index("search:\n"), text.index("validation:")
    space = "search:\n  trees:\n    learning_rate: 0.001 to 0.9\n    max_depth: 4 or 5\n\n"
    text = text[:start] + space + text[end:]
    assert "      learning_rate: 0.2\n" in text
    path = tmp_path / "poor.yml"
    path.write_text(text.replace("      learning_rate: 0.2\n", "      learning_rate: 0.001\n"))
    return path.name


def test_tune_proposes_a_change_that_can_be_applied(
    sold: Path, poor_config: str, tmp_path: Path
) -> None:
    arguments = ["tune", "--data", sold, "--config", poor_config, "--trials", 4]

    shown = call(*arguments)
    found = json.loads(call(*arguments, "--json").stdout)
    subprocess.run(
        ["git", "apply", "-p0"], input=shown.stdout, text=True, cwd=tmp_path, check=True, timeout=60
    )

    assert shown.exit_code == 0
    assert "tune.db: 4 complete" in shown.stdout
    assert "The gain on fresh folds is above two standard errors. Proposed:" in shown.stdout
    old, new = found["changes"]["trees.hyperparameters.learning_rate"]
    assert f"  trees.hyperparameters.learning_rate: {old} -> {new}\n" in shown.stdout
    assert found["patch"] in shown.stdout
    assert found["fresh_folds"]["gain"] > 2 * found["fresh_folds"]["standard_error"]
    assert found["trials"] == {"complete": 4, "pruned": 0, "interrupted": 0}
    assert f"      learning_rate: {new}\n" in (tmp_path / poor_config).read_text()


def test_tune_killed_in_a_trial_goes_on_as_if_it_had_not_been(sold: Path, poor_config: str) -> None:
    arguments = ["tune", "--data", sold, "--config", poor_config, "--trials", 4, "--json"]
    dying = """
import itertools, os, signal
from regression_model.training import tune
fit, calls = tune.squared_error, itertools.count()
def fit_or_die(*arguments):
    if next(calls) == 5:  # the second fold of the third trial
        os.kill(os.getpid(), signal.SIGKILL)
    return fit(*arguments)
tune.squared_error = fit_or_die
main()
"""

    killed = run(*arguments, program=dying)
    resumed = json.loads(call(*arguments).stdout)
    whole = json.loads(call(*arguments, "--study", "whole.db").stdout)

    assert killed.returncode == -signal.SIGKILL
    assert resumed.pop("trials") == {"complete": 4, "pruned": 0, "interrupted": 1}
    assert whole.pop("trials") == {"complete": 4, "pruned": 0, "interrupted": 0}
    # The trial that was killed keeps its number, 2; the ones after it count on.
    number, number_of_whole = resumed["best"].pop("trial"), whole["best"].pop("trial")
    assert number == number_of_whole + (number_of_whole >= 2)
    assert resumed == whole


def test_tune_shows_what_it_found_when_it_is_interrupted(
    sold: Path, poor_config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regression_model.training import tune

    fit, calls = tune.squared_error, itertools.count()

    def fit_or_stop(*arguments: Any) -> float:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return fit(*arguments)

    monkeypatch.setattr(tune, "squared_error", fit_or_stop)
    arguments = ["tune", "--data", sold, "--config", poor_config]

    result = call(*arguments)

    assert result.exit_code == 130
    assert "tune.db: 2 complete, 1 interrupted" in result.stdout
    assert "Not compared on fresh folds: the gain may be noise." in result.stdout
    assert "trees.hyperparameters.learning_rate: 0.001 -> " in result.stdout
    assert "+++" not in result.stdout
    assert "the same command goes on with the study" in result.stderr


def test_tune_calls_noise_noise(
    sold: Path, poor_config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regression_model.training import tune

    searched: list[bytes] = []

    def squared_error(spec: Any, _: Any, __: Any, ___: Any, fold: Any) -> float:
        """A depth of 4 is better on both folds of the search, and now and then on others."""
        if len(searched) < 2:
            searched.append(fold.tobytes())
        lucky = fold.tobytes() in searched or fold[0] == 0
        four = spec.members[-1].hyperparameters["max_depth"] == 4
        return float(len(fold) * (0.1 + four * (-0.01 if lucky else 0.01)))

    monkeypatch.setattr(tune, "squared_error", squared_error)
    arguments = ["tune", "--data", sold, "--config", poor_config, "--trials", 6]

    shown = call(*arguments)
    found = json.loads(call(*arguments, "--json").stdout)

    assert shown.exit_code == 0
    assert "not distinguishable from noise" in shown.stdout
    assert "Nothing is proposed. Best found:\n" in shown.stdout
    assert "  trees.hyperparameters.max_depth: 5 -> 4\n" in shown.stdout
    assert "+++" not in shown.stdout
    assert found["patch"] is None
    assert found["fresh_folds"]["beyond_noise"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--study", "absent/tune.db"], "absent/tune.db: there is no such folder"),
        (["--study", "houses.csv"], "houses.csv: holds no study of 'tune'; name another file"),
        (["--config", "plain.yml"], "plain.yml declares no search space"),
        (["--config", "absent.yml"], "absent.yml: cannot be read"),
        (["--data", "absent.csv"], "absent.csv: cannot be read: No such file"),
        (["--trials", "1"], "1 is not in the range x>=2"),
    ],
)
def test_tune_refuses_what_it_cannot_use(
    table: Path, sold: Path, poor_config: str, tmp_path: Path, arguments: list[str], message: str
) -> None:
    text = (tmp_path / poor_config).read_text()
    start, end = text.index("search:\n"), text.index("validation:")
    (tmp_path / "plain.yml").write_text(text[:start] + text[end:])

    result = call("tune", "--data", sold, "--config", poor_config, *arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "tune.db").exists()


def test_evaluate_scores_and_counts(artifact: Path, sold: Path) -> None:
    shown = call("evaluate", "--data", sold, "--artifact", artifact)
    result = call("evaluate", "--data", sold, "--artifact", artifact, "--json")

    scores = json.loads(result.stdout)
    assert shown.exit_code == result.exit_code == 0
    assert {"rows", "rmsle", "mae", "mdape", "ppe10", "r2", "coverage"} <= set(scores)
    assert scores["rows"] == scores["study"]["sales"] == 200
    assert 0 < scores["rmsle"] < 0.3
    assert 0.7 < scores["coverage"] <= 1
    assert scores["trained_on_these_sales"] is False
    assert {"text", "within"} == set(scores["verdict"][0])
    assert "200 sales" in shown.stdout
    assert f"{scores['rmsle']:.4f}" in shown.stdout


def test_evaluate_shows_ranges_ratios_and_what_is_past_its_limit(
    artifact: Path, sold: Path
) -> None:
    result = call("evaluate", "--data", sold, "--artifact", artifact)

    for word in ("ranges at 90% coverage", "median ratio", "PRB", "0.98 to 1.03", "ok   PRD"):
        assert word in result.stdout, word
    assert len(re.findall(r"^│ \$.* to \$", result.stdout, re.MULTILINE)) == 10
    tables = [line for line in result.stdout.splitlines() if line[:1] in "┏┃┡│└"]
    assert max(map(len, tables)) <= 100


def test_evaluate_says_when_the_model_was_trained_on_these_sales(
    sold: Path, small_config: Path
) -> None:
    call("train", "--data", sold, "--config", small_config, "--output", "models")

    shown = call("evaluate", "--data", sold, "--artifact", "models")
    told = call("evaluate", "--data", sold, "--artifact", "models", "--json")

    assert "trained on these very sales" in shown.stderr
    assert json.loads(told.stdout)["trained_on_these_sales"] is True


def test_evaluate_writes_a_page(artifact: Path, sold: Path) -> None:
    arguments = ["evaluate", "--data", sold, "--artifact", artifact, "--report", "report.html"]

    result = call(*arguments, "--json")

    assert result.exit_code == 0, result.stderr
    assert "report written to report.html" in result.stderr
    assert json.loads(result.stdout)["rows"] == 200
    assert Path("report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_evaluate_refuses_a_page_that_it_cannot_write(artifact: Path, sold: Path) -> None:
    for target, message in (
        ("absent/report.html", "absent is not a folder; name another --report"),
        (".", "is a directory"),
    ):
        result = call("evaluate", "--data", sold, "--artifact", artifact, "--report", target)

        assert result.exit_code == 2
        assert result.stdout == ""
        assert message in result.stderr


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_only_the_page_needs_the_libraries_of_reports(
    artifact: Path, sold: Path, package: str
) -> None:
    arguments = ["evaluate", "--data", sold, "--artifact", artifact]

    without = run(*arguments, absent=package)
    asked = run(*arguments, "--report", "report.html", absent=package)

    assert without.returncode == 0, without.stderr
    assert asked.returncode == 2
    assert f"needs {package}, which is not installed" in asked.stderr
    assert 'pip install "regression-model[report]"' in asked.stderr
    assert not Path("report.html").exists()


def test_only_a_page_of_diff_needs_the_libraries_of_reports(artifact: Path, sold: Path) -> None:
    arguments = ["diff", artifact, artifact, "--data", sold, "--report"]

    text = run(*arguments, "diff.md", absent="matplotlib jinja2")
    page = run(*arguments, "diff.html", absent="matplotlib")

    assert text.returncode == 0, text.stderr
    assert page.returncode == 2
    assert 'pip install "regression-model[report]"' in page.stderr
    assert not Path("diff.html").exists()


def test_evaluate_takes_a_handful_of_sales(artifact: Path) -> None:
    assert call("sample", 7, "--output", "few.csv").exit_code == 0

    result = call("evaluate", "--data", "few.csv", "--artifact", artifact, "--json")

    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["rows"] == 7


def test_evaluate_refuses_houses_without_a_price(artifact: Path, table: Path) -> None:
    result = call("evaluate", "--data", table, "--artifact", artifact)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "SalePrice" in result.stderr


def test_info_says_which_model_it_is_and_that_the_sample_is_no_real_data(artifact: Path) -> None:
    result = call("info", "--artifact", artifact)

    assert result.exit_code == 0
    for word in (VERSION, "bundled sample, 400 sales", "synthetic: no real sales", "RMSLE", "90%"):
        assert word in result.stdout


def test_info_answers_in_json(artifact: Path) -> None:
    facts = json.loads(call("info", "--artifact", artifact, "--json").stdout)

    assert facts["version"] == VERSION
    assert facts["data"]["source"] == "sample"
    assert Path(facts["folder"]).parent == artifact


# doctor


def test_doctor_finds_a_sound_model_healthy(artifact: Path) -> None:
    shown = call("doctor", "--artifact", artifact)
    result = call("doctor", "--artifact", artifact, "--json")

    assert shown.exit_code == result.exit_code == 0
    assert "FAIL" not in shown.stdout
    assert "golden houses give their prices" in shown.stdout
    found = json.loads(result.stdout)
    assert found["healthy"] is True
    assert found["problems"] == []
    assert {"pipeline.joblib", "model.onnx", "golden.json"} <= set(found["intact"])


@pytest.mark.parametrize(
    "name",
    ["pipeline.joblib", "model.onnx", "golden.json", "comparables.npz", "manifest.json"],
)
def test_doctor_names_a_file_in_which_one_bit_has_turned(own_artifact: Path, name: str) -> None:
    content = bytearray((own_artifact / name).read_bytes())
    content[len(content) // 2] ^= 1
    (own_artifact / name).write_bytes(content)

    shown = call("doctor", "--artifact", own_artifact)
    result = call("doctor", "--artifact", own_artifact.parent, "--json")

    assert shown.exit_code == result.exit_code == 1
    assert re.search(rf"^FAIL .*{name}", shown.stdout, re.MULTILINE)
    found = json.loads(result.stdout)
    assert found["healthy"] is False
    assert name in found["problems"][0]


@pytest.mark.parametrize(
    "name", ["pipeline.joblib", "model.onnx", "golden.json", "comparables.npz"]
)
def test_doctor_names_a_file_that_is_gone(own_artifact: Path, name: str) -> None:
    (own_artifact / name).unlink()

    result = call("doctor", "--artifact", own_artifact)

    assert result.exit_code == 1
    assert re.search(rf"^FAIL .*{name} of .* cannot be read", result.stdout, re.MULTILINE)


def test_doctor_names_a_golden_house_whose_price_has_moved(
    own_artifact: Path, tmp_path: Path
) -> None:
    opened = open_artifact(own_artifact)
    manifest = {k: v for k, v in opened.manifest.items() if k not in ("digest", "files", "format")}
    files = {name: opened.read(name) for name in opened.manifest["files"]}
    golden = json.loads(files["golden.json"])
    golden[2]["prediction"] += 2
    files["golden.json"] = json.dumps(golden).encode()
    save_artifact(
        tmp_path / "moved", version=manifest.pop("version"), manifest=manifest, files=files
    )

    result = call("doctor", "--artifact", tmp_path / "moved")

    assert result.exit_code == 1
    assert re.search(r"^FAIL +golden house 2: expected", result.stdout, re.MULTILINE)
    assert "golden houses give their prices" not in result.stdout


def test_a_spoiled_model_is_not_used_to_predict(own_artifact: Path, table: Path) -> None:
    with (own_artifact / "model.onnx").open("ab") as stream:
        stream.write(b"\0")

    result = call("predict", table, "--output", "prices.csv", "--artifact", own_artifact)

    assert result.exit_code == 2
    assert "model.onnx" in result.stderr
    assert "changed after training" in result.stderr
    assert not Path("prices.csv").exists()


# What is not installed


@pytest.mark.parametrize(
    ("command", "package", "name"),
    [
        ("tune", "sklearn", "scikit-learn"),
        ("train", "pandas", "pandas"),
        ("train", "sklearn", "scikit-learn"),
        ("train", "strictyaml", "strictyaml"),
        ("train", "joblib", "joblib"),
        ("evaluate", "pandas", "pandas"),
        ("train", "threadpoolctl", "threadpoolctl"),
        ("sample", "pandas", "pandas"),
        ("sample", "strictyaml", "strictyaml"),
        ("explore", "pandas", "pandas"),
        ("data", "pandas", "pandas"),
        ("data", "strictyaml", "strictyaml"),
    ],
)
def test_a_missing_training_library_is_said_with_the_command_that_installs_it(
    artifact: Path, sold: Path, command: str, package: str, name: str
) -> None:
    commands: dict[str, list[Any]] = {
        "train": ["train", "--data", sold, "--output", "models"],
        "tune": ["tune", "--data", sold],
        "evaluate": ["evaluate", "--data", sold, "--artifact", artifact],
        "sample": ["sample", "3", "--output", "houses.csv"],
        "explore": ["explore", "--data", sold, "--report", "page.html"],
        "data": ["data", "fetch"],
    }

    ended = run(*commands[command], absent=package)

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == (
        f"Error: '{command}' needs {name}, which is not installed. "
        'Install it with: pip install "regression-model[train]"\n'
    )


@pytest.mark.parametrize(
    ("arguments", "package", "extra"),
    [
        (["data", "fetch"], "urllib3", "data"),
        (["train", "--sql", "SELECT 1", "--database", "sqlite://"], "sqlalchemy", "sql"),
    ],
)
def test_what_fetching_needs_is_said_with_the_command_that_installs_it(
    arguments: list[str], package: str, extra: str
) -> None:
    ended = run(*arguments, absent=package)

    assert ended.returncode == 2
    assert ended.stderr == (
        f"Error: '{arguments[0]}' needs {package}, which is not installed. "
        f'Install it with: pip install "regression-model[{extra}]"\n'
    )


@pytest.mark.parametrize("text", ["", "garbage", "-1", "1e9"])
def test_an_unusable_build_date_is_said_in_one_line(
    text: str, sold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)

    ended = run("train", "--data", sold, "--output", "models")

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert f"SOURCE_DATE_EPOCH is {text!r}; expected whole seconds" in ended.stderr


def test_only_tune_needs_what_tunes(sold: Path, small_config: Path) -> None:
    arguments = ["--data", sold, "--config", small_config]

    refused = run("tune", *arguments, absent="optuna sqlalchemy")
    trained = run("train", *arguments, "--output", "models", absent="optuna sqlalchemy")

    assert refused.returncode == 2
    assert refused.stderr.endswith(
        "Error: 'tune' needs optuna, which is not installed. "
        'Install it with: pip install "regression-model[tune]"\n'
    )
    assert trained.returncode == 0, trained.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "houses.parquet", "--output", "prices.csv"],
        ["predict", "houses.csv", "--output", "prices.parquet"],
    ],
)
def test_without_pyarrow_parquet_is_refused_with_the_command_that_installs_it(
    artifact: Path, table: Path, tmp_path: Path, arguments: list[str]
) -> None:
    shutil.copy(table, tmp_path / "houses.parquet")

    ended = run(*arguments, "--artifact", artifact, absent="pyarrow")

    assert ended.returncode == 2
    assert ended.stderr == (
        "Error: Parquet needs pyarrow, which is not installed. "
        'Install it with: pip install "regression-model[batch]"\n'
    )
    assert not list(tmp_path.glob("prices*"))


def test_sample_without_pyarrow_says_so_too(tmp_path: Path) -> None:
    ended = run("sample", 3, "--output", "houses.parquet", absent="pyarrow")

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert 'pip install "regression-model[batch]"' in ended.stderr
    assert not list(tmp_path.iterdir())


def test_predicting_needs_no_extra(artifact: Path, table: Path) -> None:
    extras = "pandas sklearn scipy joblib strictyaml onnx skl2onnx pyarrow flask"

    for arguments in (
        ["predict", table, "--output", "prices.csv"],
        ["explain", table],
        ["info"],
        ["doctor"],
    ):
        ended = run(*arguments, "--artifact", artifact, absent=extras)

        assert ended.returncode == 0, ended.stderr
    assert Path("prices.csv").is_file()
