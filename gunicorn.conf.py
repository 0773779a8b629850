"""How gunicorn runs the service: ``gunicorn ml_api.wsgi:app`` in this folder.

The command line overrides what is set here. Settings and their limits: ``docs/api.md``.
"""

from __future__ import annotations

import ctypes
import gc
import os
import runpy
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from select import select
from typing import Any

from gunicorn.util import getcwd
from gunicorn.workers.gthread import ThreadWorker

ROOT = Path(__file__).resolve().parent

# The model that is served is the installed one. Before it reads this file gunicorn puts the
# current folder in front of the import path, where the source folder `regression_model/` of a
# checkout, which need not hold a trained model, would hide the installed wheel. It does so again
# afterwards unless the folder is already there: so it goes to the end.
_own = [str(ROOT), *({getcwd()} - {str(ROOT)})]
sys.path[:] = [folder for folder in sys.path if folder not in _own] + _own

# Run, not imported: workers inherit every import of the master, and a reload (SIGHUP) after
# an upgrade would then mix old modules with new ones.
_config = runpy.run_path(str(ROOT / "ml_api" / "config.py"))
_keys = runpy.run_path(str(ROOT / "ml_api" / "guards" / "keys.py"))
_read = partial(_config["read_server"], os.environ)
_counters = runpy.run_path(str(ROOT / "ml_api" / "master" / "counters.py"))
_own_folders = runpy.run_path(str(ROOT / "ml_api" / "master" / "own_folders.py"))

try:
    # Checked here too, so that a bad setting stops the master with one line and not each worker
    # with a traceback.
    _settings = _config["from_environment"]()
    bind = f"0.0.0.0:{_read('PORT')}"
    workers = _read("WEB_CONCURRENCY")
    threads = _read("ML_API_THREADS")
    _pin = _read("ML_API_PIN_WORKERS")
except _config["ConfigError"] as error:
    raise SystemExit(f"gunicorn.conf.py: {error}") from None


class Gthread(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Accept waiting connections when the worker stops: closing would reset their requests.

    Wait for clients to close their connections in the threads that answered them.
    """

    def handle(self, conn: Any) -> Any:
        """Answer a request, and close the connection unless another request may follow.

        gunicorn would close the connection in the thread that lets all others in, and wait there
        for two seconds where the client leaves its end open.
        """
        follows = super().handle(conn)
        if not follows:
            conn.close(graceful=True)
            conn.close = _do_nothing
        return follows

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept new connections, or no more."""
        for listener in () if self.alive else self.sockets:
            for _ in range(self.cfg.backlog):
                if not select([listener], [], [], 0)[0]:
                    break
                self.accept(listener)
        super().set_accept_enabled(enabled)


def _do_nothing(graceful: bool = False) -> None:
    """Stand in for the closing of a connection that is closed."""


worker_class = Gthread
# The model is loaded after the fork: inference threads and sessions do not survive one.
preload_app = False
# On SIGTERM, running requests are answered within these seconds.
graceful_timeout = 20
# Idle connections are closed after these seconds; a proxy in front reopens them.
keepalive = 5
# By default gunicorn lets clients on loopback, on Unix sockets and at FORWARDED_ALLOW_IPS rename
# the path (SCRIPT_NAME) and the scheme. What proxies say is for ML_API_TRUSTED_PROXIES to believe.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
# Standard output holds the service's JSON lines, one for each input and output.
accesslog = None
# With these two a read-only root file system is enough.
control_socket_disable = True
if os.access("/dev/shm", os.W_OK):
    worker_tmp_dir = "/dev/shm"


# M_TRIM_THRESHOLD, M_MMAP_THRESHOLD and M_ARENA_MAX of malloc.h, see mallopt(3). 4 MiB is more than
# the pieces in which bodies are read.
MALLOC_OPTIONS = {-1: 4 * 1024 * 1024, -3: 4 * 1024 * 1024, -8: 1}
LAST_GOOD, ARTIFACT = "ML_API_LAST_GOOD", "REGRESSION_MODEL_ARTIFACT"
COUNTERS = "ML_API_COUNTERS"  # the descriptor of what workers count in


def on_starting(server: Any) -> None:
    """Refuse what cannot work, and give workers what they share for the life of this master.

    Not asked again on a reload, which a broken file of keys must not turn into an end.
    """
    try:
        _check_guards(server.cfg.workers)
        _check_last_good()
    except _config["ConfigError"] as error:
        raise SystemExit(f"gunicorn.conf.py: {error}") from None
    server.own_folders = _own_folders["OwnFolders"](os.environ)
    server.own_folders.provide(LAST_GOOD, "good-model")
    if not _counters["is_shared"](os.environ.get(COUNTERS, "")):
        try:
            os.environ[COUNTERS] = str(_counters["share"]())
        except OSError as error:
            os.environ.pop(COUNTERS, None)
            server.log.warning("Each worker has metrics of its own: %s", error)


def pre_exec(server: Any) -> None:
    """Have a binary upgrade (SIGUSR2) count on with our workers, and keep models on its own."""
    environ = server.cfg.env_orig
    server.own_folders.hide(environ)
    if COUNTERS in os.environ:
        os.set_inheritable(int(os.environ[COUNTERS]), True)
        environ[COUNTERS] = os.environ[COUNTERS]


def _check_guards(workers: int) -> None:
    if _settings.ML_API_KEYS_FILE:
        try:
            _keys["read_keys"](_settings.ML_API_KEYS_FILE)
        except _keys["KeysUnusable"] as error:
            raise SystemExit(f"gunicorn.conf.py: ML_API_KEYS_FILE: {error}") from None
    if _settings.ML_API_RATE_LIMIT and workers > 1:
        store = _settings.ML_API_RATE_LIMIT_STORE
        if store == _config["MEMORY"]:
            raise _config["ConfigError"](
                "ML_API_RATE_LIMIT_STORE",
                store,
                f"redis://host:port/number, because {workers} workers count together",
            )


def _check_last_good() -> None:
    folder = os.environ.get(LAST_GOOD)
    fault = folder and _own_folders["why_not_for_copies"](Path(folder), os.environ.get(ARTIFACT))
    if fault:
        raise _config["ConfigError"](
            LAST_GOOD, folder, f"a folder that is used for nothing else, but {fault}"
        )


def on_exit(server: Any) -> None:
    """Remove folders that were made here, when nothing is written to them any more."""
    server.own_folders.leave()


def pre_fork(server: Any, worker: Any) -> None:
    """Choose a core for the worker, one with the fewest workers.

    Of a worker's threads one runs Python at a time; spread over cores they mostly wake each other,
    at twice the processor's time for a request. Where there are cores without a worker, though,
    inference, which does not hold the interpreter, would use them.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if _pin == "on" or (_pin == "auto" and server.num_workers >= len(cores)):
        taken = [getattr(other, "core", None) for other in server.WORKERS.values()]
        worker.core = min(cores, key=taken.count, default=None)


def post_fork(server: Any, worker: Any) -> None:
    """Keep the worker on its core, and what it no longer needs out of its memory."""
    _give_large_memory_back()
    core = getattr(worker, "core", None)
    if core is not None:
        os.sched_setaffinity(0, {core})


def _give_large_memory_back() -> None:
    """Make glibc give memory back to the system that was a large body's, or table's.

    It raises its own limits with each large piece that is done with, up to 32 MiB, and then keeps
    as much in a heap for each thread. One heap is enough, since one thread at a time runs Python.
    """
    with suppress(OSError, AttributeError):  # another C library
        libc = ctypes.CDLL(None)
        for option, value in MALLOC_OPTIONS.items():
            libc.mallopt(option, value)


def post_worker_init(worker: Any) -> None:
    """Load the model before the first request; a model that fails must not fail the worker."""
    from ml_api.model import warm
    from ml_api.telemetry import logs
    from ml_api.telemetry.metrics import share

    logs.write_without_waiting()
    share(worker.wsgi, os.environ.get(COUNTERS))
    warm(worker.wsgi)
    # What is loaded by now stays for good: collections need not look through it again.
    gc.collect()
    gc.freeze()
