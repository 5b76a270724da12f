from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import load_settings
from contactcenter import __main__ as commands
from contactcenter import supervisor
from db import __main__ as database
from tests.conftest import TEST_ENVIRON


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {**TEST_ENVIRON, "DATA_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)  # no .env


def test_roles_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        commands.main(["serve", "--roles", "web,printer"])
    assert "known roles are web, router, listeners, jobs, demo" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["demo"], ["check"]])
def test_wrong_settings_are_one_sentence(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "harbour")
    assert commands.main(command) == 1
    told = capsys.readouterr().err
    assert told.startswith("These settings cannot be used: PORT: ")
    assert told.count("\n") == 1


def test_the_demo_is_not_for_production(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APP_ENV", "production")
    assert commands.main(["demo"]) == 1
    assert "`demo` is not for APP_ENV=production" in capsys.readouterr().err


@pytest.mark.parametrize("level", ["-1", "nan", "21"])
def test_traffic_has_limits(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["demo", f"--traffic={level}"]) == 1
    assert "--traffic is between 0 and 20" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "environment", "sentence"),
    [
        (["seed"], "production", "`db seed` is not for APP_ENV=production."),
        (["reset", "--yes"], "production", "`db reset` is not for APP_ENV=production."),
        (["reset"], "test", "drops every table and all data: say `db reset --yes`."),
        (["down", "-1"], "test", "N is 0 or more."),
    ],
)
def test_the_database_is_guarded(
    command: list[str],
    environment: str,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("APP_ENV", environment)
    assert database.main(command) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("127.0.0.1", "80", "http://127.0.0.1:80"),
        ("0.0.0.0", "8080", "http://127.0.0.1:8080"),
        ("::", "8080", "http://[::1]:8080"),
        ("centre.example", "8080", "http://centre.example:8080"),
    ],
)
def test_the_parent_asks_for_readiness_on_this_machine(host: str, port: str, url: str) -> None:
    settings = load_settings({**TEST_ENVIRON, "HOST": host, "PORT": port})
    assert supervisor.local_url(settings) == url
