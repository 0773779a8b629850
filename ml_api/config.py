"""The settings of the service, read from environment variables.

Absent means the documented default (``docs/api.md``); anything that cannot be used, an empty
value included, is refused by :class:`ConfigError`. Only the standard library is imported here,
because ``gunicorn.conf.py`` runs this file in the master, which must not load the application.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

MEBIBYTE = 1024 * 1024
TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})
LOG_FILE_WHEN = ("s", "m", "h", "d", "midnight")
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
HOST = re.compile(r"\.?[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*", re.ASCII | re.IGNORECASE)
ORIGIN = re.compile(r"https?://([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
RATE = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)")
STORE = re.compile(r"memory://|rediss?://([^\s/@]*@)?[^\s/@?]+(/[0-9]*)?(\?\S*)?")
MEMORY = "memory://"


class ConfigError(ValueError):
    """A setting is refused: the message names the variable, its value and what is expected."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(f"{name} is {value!r}: expected {expected}.")


def read_int(
    environ: Mapping[str, str], name: str, default: int, *, minimum: int, maximum: int
) -> int:
    """Return the whole number in ``name``, decimal digits only, within its limits."""
    text = environ.get(name)
    if text is None:
        return default
    # int() alone would also take " 1", "1_000" and digits of other scripts, and refuses
    # thousands of digits with an error of its own.
    if text.isascii() and text.isdigit() and len(text) <= 20 and minimum <= int(text) <= maximum:
        return int(text)
    raise ConfigError(name, text, f"a whole number from {minimum} to {maximum}")


def read_bool(environ: Mapping[str, str], name: str, default: bool) -> bool:
    """Return the switch in ``name``: 1, true, yes, on or 0, false, no, off, in any case."""
    text = environ.get(name)
    if text is None:
        return default
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise ConfigError(name, text, "1, true, yes or on; or 0, false, no or off")


def read_choice(
    environ: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]
) -> str:
    """Return one of ``choices`` from ``name``, in any case."""
    text = environ.get(name, default)
    if text.lower() in choices:
        return text.lower()
    raise ConfigError(name, text, f"one of {', '.join(choices)}")


def read_text(environ: Mapping[str, str], name: str, default: str | None = None) -> str | None:
    """Return the text in ``name``."""
    text = environ.get(name, default)
    if text is None or text.strip():
        return text
    raise ConfigError(name, text, "a path, or no variable at all")


def read_match(
    environ: Mapping[str, str],
    name: str,
    default: str | None = None,
    *,
    pattern: re.Pattern[str],
    expected: str,
) -> str | None:
    """Return the text in ``name``, which must match ``pattern`` from end to end."""
    text = environ.get(name)
    if text is None or pattern.fullmatch(text):
        return default if text is None else text
    raise ConfigError(name, re.sub(r"//.*@", "//***@", text), expected)  # no password in a log


def read_list(
    environ: Mapping[str, str],
    name: str,
    default: tuple[str, ...] = (),
    *,
    pattern: re.Pattern[str],
    expected: str,
) -> tuple[str, ...]:
    """Return the comma-separated texts in ``name``, each of which must match ``pattern``."""
    text = environ.get(name)
    if text is None:
        return default
    items = tuple(item.strip() for item in text.split(","))
    if all(map(pattern.fullmatch, items)):
        return items
    raise ConfigError(name, text, expected)


def read_file(environ: Mapping[str, str], name: str, default: str | None = None) -> str | None:
    """Return the path of a file to write to in ``name``."""
    text = environ.get(name)
    if text is None:
        return default
    folder = os.path.dirname(os.path.abspath(text))  # noqa: PTH100, PTH120  # "logs/" names no file
    named = os.path.basename(text)  # noqa: PTH119
    if named.strip() and not os.path.isdir(text) and os.access(folder, os.W_OK | os.X_OK):  # noqa: PTH112
        return text
    raise ConfigError(name, text, "a file in a folder that exists and may be written to")


class Setting(NamedTuple):
    """An environment variable, what it means, and how it is read: ``docs/api.md`` is made of it.

    The documentation shows ``shown`` for a default that is not text.
    """

    name: str
    meaning: str
    read: Callable[[Mapping[str, str], str, Any], Any]
    default: Any = None
    shown: str = ""


def whole(minimum: int, maximum: int) -> Callable[..., int]:
    """Read a whole number within these limits."""
    return partial(read_int, minimum=minimum, maximum=maximum)


def choice(*choices: str) -> Callable[..., str]:
    """Read one of ``choices``."""
    return partial(read_choice, choices=choices)


def matching(pattern: re.Pattern[str], expected: str) -> Callable[..., str | None]:
    """Read a text that matches ``pattern``."""
    return partial(read_match, pattern=pattern, expected=expected)


def listed(pattern: re.Pattern[str], expected: str) -> Callable[..., tuple[str, ...]]:
    """Read comma-separated texts that match ``pattern``."""
    return partial(read_list, pattern=pattern, expected=expected)


# Read by gunicorn.conf.py and when the class of the configuration is chosen.
SERVER_SETTINGS = (
    Setting("PORT", "port to listen on, 1 to 65535", whole(1, 65535), 5000),
    Setting("WEB_CONCURRENCY", "worker processes, 1 to 512", whole(1, 512), 1),
    Setting("ML_API_THREADS", "threads in each worker, 1 to 512", whole(1, 512), 4),
    Setting(
        "ML_API_PIN_WORKERS",
        "`on` keeps each worker on one core, `off` on none; `auto`: where there are at least as "
        "many workers as cores",
        choice("auto", "on", "off"),
        "auto",
    ),
    Setting(
        "ML_API_ENV",
        "`production`, `development` or `testing`",
        choice("production", "development", "testing"),
        "production",
    ),
    Setting("FLASK_DEBUG", "Flask's debugging; refused in production", read_bool, False),
)
SETTINGS = (
    Setting(
        "ML_API_MAX_BODY_BYTES",
        "largest body of a request, at most 1 GiB (1073741824)",
        whole(1, 1024 * MEBIBYTE),
        32 * MEBIBYTE,
    ),
    Setting(
        "ML_API_MAX_ROWS",
        "most houses of a request, 1 to 1000000 ([why](guards.md#limits))",
        whole(1, 1_000_000),
        20_000,
    ),
    Setting(
        "ML_API_BODY_SECONDS",
        "how long the body of a request may take to arrive, 1 to 3600",
        whole(1, 3600),
        30,
    ),
    Setting(
        "ML_API_MAX_EXPLAINED_ROWS",
        "most houses of a request with `explain`, 1 to 100000",
        whole(1, 100_000),
        100,
    ),
    Setting(
        "ML_API_LOG_VALUES",
        "log the values of inputs and outputs (on by default in development)",
        read_bool,
        False,
    ),
    Setting(
        "ML_API_LOG_LEVEL",
        "`debug`, `info`, `warning`, `error` or `critical`",
        choice(*LOG_LEVELS),
        "info",
    ),
    Setting(
        "ML_API_LOG_FILE",
        "a file for the log, with a new file from time to time; its folder must exist",
        read_file,
        shown="standard output",
    ),
    Setting(
        "ML_API_LOG_FILE_WHEN",
        "when a new file starts, in UTC: at `midnight`, or every `d`, `h`, `m` or `s` from then on",
        choice(*LOG_FILE_WHEN),
        "midnight",
    ),
    Setting(
        "ML_API_LOG_FILE_KEEP",
        "how many of the files before it stay, 0 to 100000; with 0 all of them",
        whole(0, 100_000),
        14,
    ),
    Setting(
        "ML_API_LAST_GOOD",
        "folder for a copy of the last good model and of the file of API keys, below. Set it to "
        "keep both across restarts. Each service needs a folder of its own, which is used for "
        "nothing else: a folder that holds anything but such copies is refused at the start",
        read_text,
        shown="a folder in memory or the temporary one, as long as the server runs",
    ),
    Setting(
        "ML_API_KEYS_FILE",
        "file with the names and hashes of [API keys](guards.md#api-keys)",
        read_text,
        shown="no key is asked for",
    ),
    Setting(
        "ML_API_RATE_LIMIT",
        "[requests of a client](guards.md#rate-limits) per `second`, `minute`, `hour` or `day`, "
        "such as `100/minute`",
        matching(RATE, "a number per second, minute, hour or day, like 100/minute"),
    ),
    Setting(
        "ML_API_RATE_LIMIT_STORE",
        "where requests are counted: `redis://host:port/number` (`rediss://` with TLS); memory is "
        "each worker's own, and refused where there are several",
        matching(STORE, "redis://host:port/number, or memory:// with a single worker"),
        MEMORY,
    ),
    Setting(
        "ML_API_RATE_LIMIT_FAILURE",
        "while that store cannot be reached: `open` admits every request, `closed` none (503)",
        choice("open", "closed"),
        "open",
    ),
    Setting(
        "ML_API_TRUSTED_HOSTS",
        "[names](guards.md#hosts-and-proxies) the service may be called by, comma-separated; "
        "`.example.com` is the name and all below it",
        listed(HOST, "names like api.example.com or .example.com, without port, comma-separated"),
        (),
        shown="any",
    ),
    Setting(
        "ML_API_TRUSTED_PROXIES",
        "how many [proxies](guards.md#hosts-and-proxies) in front add to `X-Forwarded-For`, 0 to "
        "10",
        whole(0, 10),
        0,
    ),
    Setting(
        "ML_API_CORS_ORIGINS",
        "[origins](guards.md#pages-of-other-origins) whose pages may read answers, comma-separated",
        listed(ORIGIN, "origins like https://app.example.com, comma-separated"),
        (),
    ),
    Setting(
        "REGRESSION_MODEL_ARTIFACT",
        "an artifact's folder, or a folder with `CURRENT`; one that does not exist (yet) makes the "
        "service answer 503. `regression-model registry follow` sets it "
        "([a model from a registry](deploying.md#a-model-from-a-registry))",
        read_text,
        shown="the package's own",
    ),
)
# Settings with which the service refuses to start, because it would serve another model than named.
RETIRED = ("ML_API_MODEL_URI", "ML_API_MODEL_POLL_SECONDS")
SUCCESSOR = (
    "nothing, because it is no longer used; unset it and start the service by "
    "`regression-model registry follow MODEL_URI --to DIR -- gunicorn ml_api.wsgi:app`"
)


def read_server(environ: Mapping[str, str], name: str) -> Any:
    """Return the value of one of ``SERVER_SETTINGS``."""
    (setting,) = (setting for setting in SERVER_SETTINGS if setting.name == name)
    return setting.read(environ, name, setting.default)


class Config:
    """What every environment shares: the values of ``SETTINGS``, read when it is made.

    ``defaults`` are those that differ in this environment.
    """

    ML_API_ENV = "production"
    DEBUG = False
    TESTING = False

    defaults: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        for name in RETIRED:
            if name in environ:
                raise ConfigError(name, environ[name], SUCCESSOR)
        for name, _, read, default, _ in SETTINGS:
            setattr(self, name, read(environ, name, self.defaults.get(name, default)))

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class ProductionConfig(Config):
    """The default: values stay out of the log, and debugging is refused."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        super().__init__(environ)
        if read_server(environ, "FLASK_DEBUG"):
            raise ConfigError("FLASK_DEBUG", environ["FLASK_DEBUG"], "off in production")


class DevelopmentConfig(Config):
    """Debugging on, and the values of inputs and outputs in the log."""

    ML_API_ENV = "development"
    DEBUG = True
    defaults = MappingProxyType({"ML_API_LOG_VALUES": True})


class TestingConfig(Config):
    """For tests of the service itself."""

    __test__ = False  # pytest takes classes called Test... for tests

    ML_API_ENV = "testing"
    TESTING = True


CONFIGS: dict[str, type[Config]] = {
    config.ML_API_ENV: config for config in (ProductionConfig, DevelopmentConfig, TestingConfig)
}


def from_environment(environ: Mapping[str, str] | None = None) -> Config:
    """Return the configuration that ``ML_API_ENV`` names, production where it is absent."""
    environ = os.environ if environ is None else environ
    return CONFIGS[read_server(environ, "ML_API_ENV")](environ)
