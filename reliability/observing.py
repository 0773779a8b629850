"""What operators see: nothing of it is lost when workers come and go and files are turned."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from reliability.scenario import Measured, Trial, scenario
from reliability.service import Service
from tools.measuring.local_server import PREDICT

WORKERS = 4
RECYCLED_AFTER = 100  # requests
EVENTS = ("predict.input", "predict.output")


@scenario(
    "chaos",
    fault="50 workers recycled under load, and then asked for `/metrics`",
    promise="requests counted equal to the clients' count",
    full=10_000,
    short=400,
)
def metrics_of_recycled_workers(trial: Trial) -> Measured:
    """Replace workers every few requests; what they counted must stay."""
    recycling = f"--max-requests {RECYCLED_AFTER} --max-requests-jitter 10"
    with trial.serve(WEB_CONCURRENCY="2", GUNICORN_CMD_ARGS=recycling) as service:
        answers = trial.ask(service)
        recycled = service.recycled()
        counted = _counted(service)
    faults = answers.faults()
    if recycled < trial.count // (2 * RECYCLED_AFTER):
        faults.append(f"only {recycled} workers were replaced")
    if counted != answers.asked:
        faults.append(f"{counted} requests are counted, {answers.asked} were answered")
    return Measured(
        f"{recycled} workers recycled: {counted:,} requests counted, {answers.asked:,} sent",
        faults,
        {"recycled": recycled, "counted": counted, "sent": answers.asked},
    )


def _counted(service: Service) -> int:
    """Requests for prices that were answered with 200, by ``/metrics``."""
    text = service.ask("GET", "/metrics")[1].decode()
    counts = re.findall(r"^ml_api_requests_total\{(.*)\} (\S+)$", text, re.M)
    return sum(
        int(float(count))
        for labels, count in counts
        if f'"{PREDICT}"' in labels and '"200"' in labels
    )


@scenario(
    "chaos",
    fault="4 processes write 5,000 lines of log each while a new file is started every second",
    promise="20,000 whole lines",
    full=10_000,
    short=1_000,
)
def rotating_log(trial: Trial) -> Measured:
    """Two lines for each of ``count`` requests, into files that all workers turn."""
    folder = trial.folder / "log"
    folder.mkdir()
    with trial.serve(
        WEB_CONCURRENCY=f"{WORKERS}",
        ML_API_LOG_FILE=str(folder / "service.log"),
        ML_API_LOG_FILE_WHEN="s",
        ML_API_LOG_FILE_KEEP="0",
    ) as service:
        answers = trial.ask(service)
        code = service.stop()
    files, whole, broken = _lines(folder)
    lines = sum(whole[event] for event in EVENTS)
    faults = answers.faults()
    faults += [f"{broken} lines are not whole"] if broken else []
    faults += [f"exit code {code}"] if code else []
    faults += ["no new file was started"] if files < 2 else []
    for event in EVENTS:
        if whole[event] != answers.asked:
            faults.append(f"{whole[event]} lines of {event}, {answers.asked} requests")
    return Measured(
        f"{lines:,} whole lines of {2 * answers.asked:,} in {files} files, by {WORKERS} processes",
        faults,
        {"lines": lines, "files": files, "broken": broken},
    )


def _lines(folder: Path) -> tuple[int, Counter[str], int]:
    """How many files there are, their whole lines by event, and how many lines are broken."""
    files = [path for path in folder.iterdir() if path.name.startswith("service.log")]
    whole, broken = Counter[str](), 0
    for path in files:
        for line in path.read_text("utf-8").splitlines():
            try:
                whole[json.loads(line)["event"]] += 1
            except ValueError:
                broken += 1
    return len(files), whole, broken
