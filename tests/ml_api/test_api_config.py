"""Absent settings have documented defaults; unusable ones are refused by name."""

from __future__ import annotations

import re

import pytest

from ml_api import create_app
from ml_api.config import (
    Config,
    ConfigError,
    DevelopmentConfig,
    ProductionConfig,
    TestingConfig,
    from_environment,
)


def test_absent_variables_mean_the_defaults() -> None:
    config = from_environment({})

    assert isinstance(config, ProductionConfig)
    assert config.ML_API_MAX_BODY_BYTES == 32 * 1024 * 1024
    assert config.ML_API_MAX_EXPLAINED_ROWS == 100
    assert config.ML_API_LOG_VALUES is False
    assert config.ML_API_LOG_LEVEL == "info"
    assert config.ML_API_LOG_FILE is None
    assert config.ML_API_LOG_FILE_WHEN == "midnight"
    assert config.ML_API_LOG_FILE_KEEP == 14
    assert config.REGRESSION_MODEL_ARTIFACT is None
    assert (config.ML_API_MAX_ROWS, config.ML_API_BODY_SECONDS) == (20_000, 30)
    assert config.ML_API_KEYS_FILE is None
    assert config.ML_API_RATE_LIMIT is None
    assert config.ML_API_RATE_LIMIT_STORE == "memory://"
    assert config.ML_API_RATE_LIMIT_FAILURE == "open"
    assert config.ML_API_TRUSTED_HOSTS == config.ML_API_CORS_ORIGINS == ()
    assert config.ML_API_TRUSTED_PROXIES == 0


def test_values_are_logged_by_default_in_development_only() -> None:
    logged = {c: c({}).ML_API_LOG_VALUES for c in (Config, DevelopmentConfig, TestingConfig)}

    assert logged == {Config: False, DevelopmentConfig: True, TestingConfig: False}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("ML_API_MAX_BODY_BYTES", "1", 1),
        ("ML_API_MAX_BODY_BYTES", "1073741824", 1024**3),
        ("ML_API_MAX_EXPLAINED_ROWS", "1", 1),
        ("ML_API_MAX_EXPLAINED_ROWS", "100000", 100_000),
        ("ML_API_LOG_VALUES", "on", True),
        ("ML_API_LOG_VALUES", "TRUE", True),
        ("ML_API_LOG_VALUES", "0", False),
        ("ML_API_LOG_LEVEL", "Warning", "warning"),
        ("ML_API_LOG_FILE", "api.log", "api.log"),
        ("ML_API_LOG_FILE_WHEN", "H", "h"),
        ("ML_API_LOG_FILE_KEEP", "0", 0),
        ("REGRESSION_MODEL_ARTIFACT", "somewhere", "somewhere"),
        ("ML_API_KEYS_FILE", "keys.txt", "keys.txt"),
        ("ML_API_RATE_LIMIT", "100/minute", "100/minute"),
        ("ML_API_RATE_LIMIT_STORE", "redis://user:pw@store:6380/2", "redis://user:pw@store:6380/2"),
        ("ML_API_RATE_LIMIT_STORE", "rediss://store", "rediss://store"),
        ("ML_API_TRUSTED_HOSTS", "a.example, .b.example", ("a.example", ".b.example")),
        ("ML_API_CORS_ORIGINS", "http://localhost:3000", ("http://localhost:3000",)),
        ("ML_API_TRUSTED_PROXIES", "2", 2),
    ],
)
def test_a_variable_is_read(name: str, text: str, value: object) -> None:
    assert getattr(from_environment({name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ML_API_ENV", ""),
        ("ML_API_ENV", "staging"),
        ("ML_API_MAX_BODY_BYTES", ""),
        ("ML_API_MAX_BODY_BYTES", "0"),
        ("ML_API_MAX_BODY_BYTES", "-1"),
        ("ML_API_MAX_BODY_BYTES", "32 MiB"),
        ("ML_API_MAX_BODY_BYTES", "1_000"),
        ("ML_API_MAX_BODY_BYTES", "1e6"),
        ("ML_API_MAX_BODY_BYTES", "\u0661\u0662"),
        ("ML_API_MAX_BODY_BYTES", "9" * 5000),
        ("ML_API_MAX_EXPLAINED_ROWS", "0"),
        ("ML_API_MAX_EXPLAINED_ROWS", "100001"),
        ("ML_API_LOG_VALUES", ""),
        ("ML_API_LOG_VALUES", "maybe"),
        ("ML_API_LOG_LEVEL", ""),
        ("ML_API_LOG_LEVEL", "loud"),
        ("ML_API_LOG_FILE", ""),
        ("ML_API_LOG_FILE", " "),
        ("ML_API_LOG_FILE", "."),
        ("ML_API_LOG_FILE", "no/such/folder/api.log"),
        ("ML_API_LOG_FILE_WHEN", ""),
        ("ML_API_LOG_FILE_WHEN", "sometimes"),
        ("ML_API_LOG_FILE_KEEP", ""),
        ("ML_API_LOG_FILE_KEEP", "-1"),
        ("ML_API_MODEL_URI", ""),
        ("ML_API_MODEL_URI", "models:/prices@champion"),
        ("ML_API_MODEL_POLL_SECONDS", "60"),
        ("REGRESSION_MODEL_ARTIFACT", ""),
        ("REGRESSION_MODEL_ARTIFACT", "  "),
        ("ML_API_KEYS_FILE", ""),
        ("ML_API_RATE_LIMIT", "100 per minute"),
        ("ML_API_RATE_LIMIT", "0100/minute"),
        ("ML_API_RATE_LIMIT_STORE", "postgresql://store"),
        ("ML_API_TRUSTED_HOSTS", "*"),
        ("ML_API_TRUSTED_HOSTS", "a.example:80"),
        ("ML_API_TRUSTED_HOSTS", "x" * 64),
        ("ML_API_TRUSTED_PROXIES", "11"),
        ("ML_API_CORS_ORIGINS", "*"),
        ("ML_API_CORS_ORIGINS", "null"),
        ("ML_API_CORS_ORIGINS", "https://a.example/path"),
        ("FLASK_DEBUG", ""),
        ("FLASK_DEBUG", "perhaps"),
    ],
)
def test_an_unusable_value_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} is {re.escape(repr(text))}: expected .+"):
        from_environment({name: text})


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("production", ProductionConfig),
        ("Development", DevelopmentConfig),
        ("testing", TestingConfig),
    ],
)
def test_the_environment_chooses_the_class(name: str, kind: type[Config]) -> None:
    assert type(from_environment({"ML_API_ENV": name})) is kind


def test_create_app_asks_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_API_ENV", "testing")
    monkeypatch.setenv("ML_API_MAX_BODY_BYTES", "77")

    app = create_app()

    assert (app.config["ML_API_ENV"], app.config["ML_API_MAX_BODY_BYTES"]) == ("testing", 77)


@pytest.mark.parametrize(
    "config", ["ml_api.config.TestingConfig", TestingConfig, TestingConfig({})]
)
def test_create_app_takes_a_name_a_class_or_an_instance(config: object) -> None:
    assert create_app(config).config["ML_API_ENV"] == "testing"


def test_values_are_read_when_an_instance_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_API_LOG_LEVEL", "error")
    before = TestingConfig()
    monkeypatch.setenv("ML_API_LOG_LEVEL", "debug")

    assert (before.ML_API_LOG_LEVEL, TestingConfig().ML_API_LOG_LEVEL) == ("error", "debug")


def test_create_app_refuses_what_is_no_config() -> None:
    with pytest.raises(ConfigError, match="expected a Config of ml_api"):
        create_app({"TESTING": True})


def test_production_refuses_debugging() -> None:
    with pytest.raises(ConfigError, match="FLASK_DEBUG is '1': expected off in production"):
        ProductionConfig({"FLASK_DEBUG": "1"})

    config = ProductionConfig({})
    config.DEBUG = True
    with pytest.raises(ConfigError, match="DEBUG is True: expected False in production"):
        create_app(config)
