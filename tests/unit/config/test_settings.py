from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from config.settings import SECRET_NAMES, SettingsError, load_settings, variables

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
STRONG = {
    **{name: f"{name}-{'0123456789' * 4}" for name in SECRET_NAMES},
    "ENCRYPTION_KEYS": f"k1:{KEY}",
}


def test_flat_names_fill_the_sections(tmp_path: Path) -> None:
    settings = load_settings(
        {
            **STRONG,
            "PORT": "9000",
            "DATABASE_URL": "postgresql://host/x",
            "WIDGET_ORIGINS": "https://a.example, https://b.example",
            "DEMO": "true",
            "DATA_DIR": str(tmp_path),
            "UNKNOWN": "is somebody else's",
        }
    )
    assert settings.app.port == 9000
    assert settings.app.public_url == "http://127.0.0.1:9000"
    assert settings.database.url == "postgresql://host/x"
    assert settings.web.widget_origins == ("https://a.example", "https://b.example")
    assert settings.demo.enabled is True
    assert settings.auth.jwt_secret.get_secret_value() == STRONG["JWT_SECRET"]


def test_nothing_set_is_a_development_centre(tmp_path: Path) -> None:
    settings = load_settings({"DATA_DIR": str(tmp_path)})
    assert settings.app.environment == "development"
    assert settings.database.url is None
    assert settings.app.timezone == "Europe/Madrid"
    assert settings.chat.default_queue == "CO"
    assert settings.demo.traffic == 1.0


def test_empty_counts_as_unset() -> None:
    settings = load_settings({**STRONG, "DATABASE_URL": "", "PORT": ""})
    assert settings.database.url is None
    assert settings.app.port == 8080


def test_voice_settings(tmp_path: Path) -> None:
    given = {**STRONG, "DATA_DIR": str(tmp_path)}
    settings = load_settings({**given, "MEDIA_UDP_PORTS": "40000 - 40999", "TURN_URLS": "turn:a:1"})
    assert settings.media.udp_ports == (40000, 40999)
    assert settings.media.turn_urls == ("turn:a:1",)
    assert settings.media_socket == tmp_path / "media.sock"
    assert load_settings({**given, "MEDIA_SOCKET": "/run/m"}).media_socket == Path("/run/m")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEDIA_UDP_PORTS", "40999-40000"),
        ("MEDIA_UDP_PORTS", "0-10"),
        ("MEDIA_UDP_PORTS", "harbour"),
        ("MEDIA_PUBLIC_IP", "voice.example.com"),
        ("MEDIA_MAX_CALLS", "-1"),
        ("TURN_URLS", "https://turn.example.com"),
    ],
)
def test_wrong_voice_settings_are_refused(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        load_settings({**STRONG, "DATA_DIR": str(tmp_path), name: value})


def test_settings_cannot_be_changed_and_hide_their_secrets() -> None:
    settings = load_settings(STRONG)
    with pytest.raises(ValueError, match="frozen"):
        settings.app.port = 1  # type: ignore[misc]
    assert STRONG["JWT_SECRET"] not in repr(settings)


def test_another_database_leaves_the_rest(tmp_path: Path) -> None:
    settings = load_settings({**STRONG, "DB_POOL_MAX": "7"})
    other = settings.with_database("postgresql://other/x")
    assert (other.database.url, other.database.pool_max) == ("postgresql://other/x", 7)
    assert settings.database.url is None


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PORT": "http"}, "PORT: Input should be a valid integer"),
        ({"PORT": "70000"}, "PORT: .*65535"),
        ({"TIMEZONE": "Europe/Atlantis"}, "TIMEZONE: not a time zone"),
        ({"APP_ENV": "prod"}, "APP_ENV: .*'development', 'test' or 'production'"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL: "),
        ({"DEMO": "perhaps"}, "DEMO: "),
        ({"BCRYPT_ROUNDS": "2"}, "BCRYPT_ROUNDS: "),
        ({"MICROSOFT_TENANT": "common"}, "MICROSOFT_TENANT: .*one directory"),
        ({"MICROSOFT_TENANT": "Organizations"}, "MICROSOFT_TENANT: .*one directory"),
        ({"MICROSOFT_TENANT": "consumers"}, "MICROSOFT_TENANT: .*one directory"),
    ],
)
def test_a_wrong_value_names_its_variable(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=f"cannot be used: {sentence}") as caught:
        load_settings({**STRONG, **environ})
    assert "\n" not in str(caught.value)


def test_development_secrets_are_made_once_for_their_owner_only(tmp_path: Path) -> None:
    environ = {"DATA_DIR": str(tmp_path / "new")}
    first, second = load_settings(environ), load_settings(environ)
    assert first.auth == second.auth
    assert first.auth.jwt_secret != first.auth.jwt_refresh_secret
    assert len(first.auth.jwt_secret.get_secret_value()) >= 32
    kept = sorted((tmp_path / "new").iterdir())
    assert [path.name for path in kept] == ["keys.json", "secrets.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    assert [len(key) for key in first.auth.keyring.values()] == [32]


def test_a_given_secret_wins_over_the_kept_one(tmp_path: Path) -> None:
    settings = load_settings({"DATA_DIR": str(tmp_path), "JWT_SECRET": STRONG["JWT_SECRET"]})
    assert settings.auth.jwt_secret.get_secret_value() == STRONG["JWT_SECRET"]


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json"])
def test_a_damaged_secrets_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "secrets.json").write_text(text)
    with pytest.raises(SettingsError, match="is damaged: delete it"):
        load_settings({"DATA_DIR": str(tmp_path)})


def test_an_unusable_data_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be used .* set DATA_DIR"):
        load_settings({"DATA_DIR": str(tmp_path / "file" / "var")})


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "needs JWT_SECRET with at least 32"),
        ({**STRONG, "JWT_SECRET": "short"}, "needs JWT_SECRET with at least 32"),
        ({**STRONG, "JWT_REFRESH_SECRET": ""}, "needs JWT_REFRESH_SECRET"),
        ({**STRONG, "JWT_REFRESH_SECRET": STRONG["JWT_SECRET"]}, "to differ"),
        ({**STRONG, "ENCRYPTION_KEYS": ""}, "needs ENCRYPTION_KEYS"),
        ({**STRONG, "DEMO": "1"}, "refuses DEMO"),
    ],
)
def test_production_refuses(environ: dict[str, str], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text(json.dumps(STRONG))  # a development system's: unused
    with pytest.raises(SettingsError, match=sentence):
        load_settings({"APP_ENV": "production", "DATA_DIR": str(tmp_path), **environ})


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (KEY, "name has 1 to 16"),
        (f"k 1:{KEY}", "name has 1 to 16"),
        ("k1:AAAA", "32 bytes"),
        ("k1:!", "not base64"),
        (f"k1:{KEY},k1:{KEY}", "one key"),
        (",", "at least one key"),
    ],
)
def test_keys_that_cannot_be_used(keys: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as caught:
        load_settings({**STRONG, "ENCRYPTION_KEYS": keys})
    assert KEY not in str(caught.value)


def test_the_first_key_is_the_first(tmp_path: Path) -> None:
    settings = load_settings({**STRONG, "ENCRYPTION_KEYS": f"new:{KEY}, old:{KEY}"})
    assert list(settings.auth.keyring) == ["new", "old"]
    assert KEY not in repr(settings)


def test_every_variable_is_named_in_capitals_once() -> None:
    names = list(variables())
    assert all(name == name.upper() for name in names)
    assert len(set(variables().values())) == len(names)
