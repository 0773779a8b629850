"""The settings of the service, read from environment variables.

Absent means the documented default (``docs/api.md``); anything that cannot be used, an empty
value included, is refused by :class:`ConfigError`. Only the standard library is imported here,
because ``gunicorn.conf.py`` runs this file in the master, which must not load the application.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

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
MODEL_URI = re.compile(r"models:/[^/@:\s]+(@[A-Za-z0-9_-]+|/[1-9][0-9]*)")


class ConfigError(ValueError):
    """A setting is refused: the message names the variable, its value and what is expected."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(f"{name} is {value!r}: expected {expected}.")


def read_int(
    environ: Mapping[str, str], name: str, default: int, *, minimum: int, maximum: int
) -> int:
    """The whole number in ``name``, decimal digits only, within its limits."""
    text = environ.get(name)
    if text is None:
        return default
    # int() alone would also take " 1", "1_000" and digits of other scripts, and refuses
    # thousands of digits with an error of its own.
    if text.isascii() and text.isdigit() and len(text) <= 20 and minimum <= int(text) <= maximum:
        return int(text)
    raise ConfigError(name, text, f"a whole number from {minimum} to {maximum}")


def read_bool(environ: Mapping[str, str], name: str, default: bool) -> bool:
    """The switch in ``name``: 1, true, yes, on or 0, false, no, off, in any case."""
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
    """One of ``choices`` from ``name``, in any case."""
    text = environ.get(name, default)
    if text.lower() in choices:
        return text.lower()
    raise ConfigError(name, text, f"one of {', '.join(choices)}")


def read_text(environ: Mapping[str, str], name: str) -> str | None:
    """The text in ``name``, None where the variable is absent."""
    text = environ.get(name)
    if text is None or text.strip():
        return text
    raise ConfigError(name, text, "a path, or the variable left unset")


def read_match(
    environ: Mapping[str, str],
    name: str,
    default: str | None,
    *,
    pattern: re.Pattern[str],
    expected: str,
) -> str | None:
    """The text in ``name``, which must match ``pattern`` from end to end."""
    text = environ.get(name)
    if text is None or pattern.fullmatch(text):
        return default if text is None else text
    raise ConfigError(name, re.sub(r"//.*@", "//***@", text), expected)  # no password in a log


def read_list(
    environ: Mapping[str, str], name: str, *, pattern: re.Pattern[str], expected: str
) -> tuple[str, ...]:
    """The comma-separated texts in ``name``, each of which must match ``pattern``."""
    text = environ.get(name)
    if text is None:
        return ()
    items = tuple(item.strip() for item in text.split(","))
    if all(map(pattern.fullmatch, items)):
        return items
    raise ConfigError(name, text, expected)


def read_file(environ: Mapping[str, str], name: str) -> str | None:
    """The path of a file to write to in ``name``, None where the variable is absent."""
    text = environ.get(name)
    if text is None:
        return None
    folder = os.path.dirname(os.path.abspath(text))  # noqa: PTH100, PTH120  # "logs/" names no file
    named = os.path.basename(text)  # noqa: PTH119
    if named.strip() and not os.path.isdir(text) and os.access(folder, os.W_OK | os.X_OK):  # noqa: PTH112
        return text
    raise ConfigError(name, text, "a file in a folder that exists and may be written to")


class Config:
    """What every environment shares. Values are read when an instance is made.

    Attributes
    ----------
    ML_API_MAX_BODY_BYTES : the largest request body that is accepted, in bytes
    ML_API_MAX_ROWS : the most houses of a request
    ML_API_BODY_SECONDS : how long a request's body may take to arrive
    ML_API_MAX_EXPLAINED_ROWS : the most houses of a request whose prices are explained
    ML_API_LOG_VALUES : whether the values of inputs and outputs are logged
    ML_API_LOG_LEVEL : the lowest level that is logged
    ML_API_LOG_FILE : file that the log is written to, None for standard output
    ML_API_LOG_FILE_WHEN : how often a new file is begun: s, m, h, d or midnight (UTC)
    ML_API_LOG_FILE_KEEP : how many of the files before it stay, 0 for all
    ML_API_LAST_GOOD : folder that keeps a copy of the model last found sound, None for no copy
    ML_API_TRUSTED_HOSTS : names by which the service may be called, none for any
    ML_API_TRUSTED_PROXIES : how many proxies in front add to X-Forwarded-For
    ML_API_CORS_ORIGINS : origins of web pages that may read answers
    ML_API_KEYS_FILE : file of API keys' hashes, None where no key is asked for
    ML_API_RATE_LIMIT : requests a client may send in a period, None for any number
    ML_API_RATE_LIMIT_STORE : where requests are counted
    ML_API_RATE_LIMIT_FAILURE : whether requests are admitted while the store cannot be reached
    ML_API_MODEL_URI : model of an MLflow registry that is served, None for none
    ML_API_MODEL_POLL_SECONDS : how often the registry is asked, 0 for at a start and a reload only
    REGRESSION_MODEL_ARTIFACT : folder of the artifact, None for the package's own; of a registry's
        model, folder that it is pulled to
    """

    ML_API_ENV = "production"
    DEBUG = False
    TESTING = False

    log_values_default = False

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self.ML_API_MAX_BODY_BYTES = read_int(
            environ,
            "ML_API_MAX_BODY_BYTES",
            32 * MEBIBYTE,
            minimum=1,
            maximum=1024 * MEBIBYTE,
        )
        self.ML_API_MAX_ROWS = read_int(
            environ, "ML_API_MAX_ROWS", 20_000, minimum=1, maximum=1_000_000
        )
        self.ML_API_BODY_SECONDS = read_int(
            environ, "ML_API_BODY_SECONDS", 30, minimum=1, maximum=3600
        )
        self.ML_API_MAX_EXPLAINED_ROWS = read_int(
            environ, "ML_API_MAX_EXPLAINED_ROWS", 100, minimum=1, maximum=100_000
        )
        self.ML_API_LOG_VALUES = read_bool(environ, "ML_API_LOG_VALUES", self.log_values_default)
        self.ML_API_LOG_LEVEL = read_choice(environ, "ML_API_LOG_LEVEL", "info", LOG_LEVELS)
        self.ML_API_LOG_FILE = read_file(environ, "ML_API_LOG_FILE")
        self.ML_API_LOG_FILE_WHEN = read_choice(
            environ, "ML_API_LOG_FILE_WHEN", "midnight", LOG_FILE_WHEN
        )
        self.ML_API_LOG_FILE_KEEP = read_int(
            environ, "ML_API_LOG_FILE_KEEP", 14, minimum=0, maximum=100_000
        )
        self.ML_API_LAST_GOOD = read_text(environ, "ML_API_LAST_GOOD")
        self.ML_API_MODEL_URI = read_match(
            environ,
            "ML_API_MODEL_URI",
            None,
            pattern=MODEL_URI,
            expected="models:/name@alias or models:/name/version",
        )
        self.ML_API_MODEL_POLL_SECONDS = read_int(
            environ, "ML_API_MODEL_POLL_SECONDS", 60, minimum=0, maximum=86_400
        )
        self.REGRESSION_MODEL_ARTIFACT = read_text(environ, "REGRESSION_MODEL_ARTIFACT")
        self._read_guards(environ)

    def _read_guards(self, environ: Mapping[str, str]) -> None:
        self.ML_API_TRUSTED_HOSTS = read_list(
            environ,
            "ML_API_TRUSTED_HOSTS",
            pattern=HOST,
            expected="names like api.example.com or .example.com, without port, comma-separated",
        )
        self.ML_API_TRUSTED_PROXIES = read_int(
            environ, "ML_API_TRUSTED_PROXIES", 0, minimum=0, maximum=10
        )
        self.ML_API_CORS_ORIGINS = read_list(
            environ,
            "ML_API_CORS_ORIGINS",
            pattern=ORIGIN,
            expected="origins like https://app.example.com, comma-separated",
        )
        self.ML_API_KEYS_FILE = read_text(environ, "ML_API_KEYS_FILE")
        self.ML_API_RATE_LIMIT = read_match(
            environ,
            "ML_API_RATE_LIMIT",
            None,
            pattern=RATE,
            expected="a number per second, minute, hour or day, like 100/minute",
        )
        self.ML_API_RATE_LIMIT_STORE = read_match(
            environ,
            "ML_API_RATE_LIMIT_STORE",
            MEMORY,
            pattern=STORE,
            expected="redis://host:port/number, or memory:// with a single worker",
        )
        self.ML_API_RATE_LIMIT_FAILURE = read_choice(
            environ, "ML_API_RATE_LIMIT_FAILURE", "open", ("open", "closed")
        )


class ProductionConfig(Config):
    """The default: values stay out of the log, and debugging is refused."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        super().__init__(environ)
        if read_bool(environ, "FLASK_DEBUG", False):
            raise ConfigError("FLASK_DEBUG", environ["FLASK_DEBUG"], "off in production")


class DevelopmentConfig(Config):
    """Debugging on, and the values of inputs and outputs in the log."""

    ML_API_ENV = "development"
    DEBUG = True
    log_values_default = True


class TestingConfig(Config):
    """For tests of the service itself."""

    __test__ = False  # pytest takes classes called Test... for tests

    ML_API_ENV = "testing"
    TESTING = True


CONFIGS: dict[str, type[Config]] = {
    config.ML_API_ENV: config for config in (ProductionConfig, DevelopmentConfig, TestingConfig)
}


def from_environment(environ: Mapping[str, str] | None = None) -> Config:
    """The configuration that ``ML_API_ENV`` names, production where it is absent."""
    environ = os.environ if environ is None else environ
    name = read_choice(environ, "ML_API_ENV", ProductionConfig.ML_API_ENV, tuple(CONFIGS))
    return CONFIGS[name](environ)
