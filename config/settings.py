"""Every setting of the centre, read once from the environment (and `.env`) into frozen sections.

This is the only module that reads os.environ. `.env.example` lists the same names; a test holds
the two together.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

Environment = Literal["development", "test", "production"]

SECRET_NAMES = ("JWT_SECRET", "JWT_REFRESH_SECRET")
SECRET_MIN_LENGTH = 32
KEY_BYTES = 32
KEY_NAME_LENGTH = 16


class SettingsError(Exception):
    """The environment does not describe a centre that can run; the text is one sentence."""


def _split(value: Any) -> Any:
    """'a, b' → ('a', 'b'); anything else is pydantic's to judge."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]


def _range(value: Any) -> Any:
    """'40000-40999' → (40000, 40999); anything else is pydantic's to judge."""
    if isinstance(value, str):
        first, _, last = value.partition("-")
        return (first.strip(), (last or first).strip())
    return value


Port = Annotated[int, Field(ge=1, le=65535)]
PortRange = Annotated[tuple[Port, Port], BeforeValidator(_range)]


class _Section(BaseModel):
    """Each field is filled from the environment variable that its alias names."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class App(_Section):
    environment: Environment = Field("development", alias="APP_ENV")
    host: str = Field("127.0.0.1", alias="HOST")
    port: int = Field(8080, alias="PORT", ge=1, le=65535)
    public_url: str = Field("", alias="PUBLIC_URL")
    """Where browsers reach the centre, without a trailing slash; default: from HOST and PORT."""
    data_dir: Path = Field(Path("var"), alias="DATA_DIR")
    object_store_url: str = Field("", alias="OBJECT_STORE_URL")
    """Where recordings and files are kept (s3://bucket/prefix, ...); empty: under DATA_DIR."""
    timezone: str = Field("Europe/Madrid", alias="TIMEZONE")
    """The centre's IANA zone; it defines "today"."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("not a time zone of the IANA database") from error
        return value

    @field_validator("public_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Database(_Section):
    url: str | None = Field(None, alias="DATABASE_URL")
    """None: an embedded PostgreSQL under DATA_DIR."""
    pool_min: int = Field(2, alias="DB_POOL_MIN", ge=0, le=1000)
    pool_max: int = Field(20, alias="DB_POOL_MAX", ge=1, le=1000)
    transaction_timeout_ms: int = Field(2000, alias="DB_TRANSACTION_TIMEOUT_MS", ge=0)
    """Longest transaction of the application; 0 is no limit. The event log waits for each one."""


class Redis(_Section):
    url: str | None = Field(None, alias="REDIS_URL")
    """None: one node. Else rate limits are counted here for all nodes together."""


class Auth(_Section):
    jwt_secret: SecretStr = Field(alias="JWT_SECRET")
    jwt_refresh_secret: SecretStr = Field(alias="JWT_REFRESH_SECRET")
    bcrypt_rounds: int = Field(12, alias="BCRYPT_ROUNDS", ge=4, le=16)
    encryption_keys: SecretStr = Field(alias="ENCRYPTION_KEYS")
    """`name:key` pairs, separated by commas; a key is 32 bytes in base64. The first one seals,
    all of them open: put a new one in front, and take the old one out a day after
    `python -m contactcenter check` counts nothing that it opens. Keep it with the archive: `audit
    verify` needs it for the rows of its time."""

    @field_validator("encryption_keys")
    @classmethod
    def _usable_keys(cls, value: SecretStr) -> SecretStr:
        keyring_of(value)
        return value

    @property
    def keyring(self) -> dict[str, bytes]:
        """Key name → 32 bytes, the one that seals first."""
        return keyring_of(self.encryption_keys)


class SignIn(_Section):
    """Providers of OpenID Connect; one without a client id does not exist."""

    google_client_id: str = Field("", alias="GOOGLE_CLIENT_ID")
    google_client_secret: SecretStr = Field(SecretStr(""), alias="GOOGLE_CLIENT_SECRET")
    microsoft_client_id: str = Field("", alias="MICROSOFT_CLIENT_ID")
    microsoft_client_secret: SecretStr = Field(SecretStr(""), alias="MICROSOFT_CLIENT_SECRET")
    microsoft_tenant: str = Field("", alias="MICROSOFT_TENANT", pattern=r"^[\w.-]*$")
    """The directory's id; sign-in with Microsoft needs one. The words for several directories name
    no issuer, and an ID token's would never be theirs."""
    oidc_name: str = Field("", alias="OIDC_NAME", max_length=40)
    """What the button of any other provider says."""
    oidc_issuer: str = Field("", alias="OIDC_ISSUER", pattern=r"^(https?://\S+)?$")
    oidc_client_id: str = Field("", alias="OIDC_CLIENT_ID")
    oidc_client_secret: SecretStr = Field(SecretStr(""), alias="OIDC_CLIENT_SECRET")

    @field_validator("microsoft_tenant")
    @classmethod
    def _one_directory(cls, value: str) -> str:
        if value.lower() in {"common", "organizations", "consumers"}:
            raise ValueError("must be the id of one directory")
        return value


class Mail(_Section):
    url: SecretStr | None = Field(None, alias="MAIL_URL")
    """smtp://user:password@host:587 (STARTTLS) or smtps://…:465. None: a development system keeps
    its letters in a table, and production sends none."""
    sender: str = Field("Contact centre <no-reply@localhost>", alias="MAIL_FROM", max_length=200)

    @field_validator("url")
    @classmethod
    def _smtp(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
                raise ValueError("must be smtp://host:port or smtps://host:port")
        return value


class Web(_Section):
    widget_origins: Words = Field((), alias="WIDGET_ORIGINS")
    """Origins whose pages may open the visitor's socket, besides PUBLIC_URL; `*` is any."""
    cors_origins: Words = Field((), alias="CORS_ORIGINS")
    """Origins whose pages may call the HTTP interface, besides PUBLIC_URL."""
    trusted_proxies: Words = Field((), alias="TRUSTED_PROXIES")
    """Addresses or networks of our own proxies, whose X-Forwarded-For is believed."""

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ip_network(network, strict=False)
            except ValueError as error:
                raise ValueError("not an IP address or network") from error
        return value


class Chat(_Section):
    default_queue: str = Field("CO", alias="CHAT_DEFAULT_QUEUE")
    starts_per_minute: int = Field(60, alias="CHAT_STARTS_PER_MINUTE", ge=1)
    """Conversations that one address may begin in a minute."""


class Media(_Section):
    """Voice in the browser: the media process, and the TURN server that browsers are told of."""

    socket: Path | None = Field(None, alias="MEDIA_SOCKET")
    """Where web and media meet; None: media.sock under DATA_DIR."""
    public_ip: str = Field("", alias="MEDIA_PUBLIC_IP")
    """What browsers are told instead of this machine's own addresses (1:1 NAT)."""
    udp_ports: PortRange | None = Field(None, alias="MEDIA_UDP_PORTS")
    """First and last UDP port for sound; None: whichever are free."""
    max_calls: int = Field(0, alias="MEDIA_MAX_CALLS", ge=0)
    """Calls at once; 0: as many as the media process measures that it can carry."""
    max_inviting: int = Field(20, alias="MEDIA_MAX_INVITING", ge=1)
    """Calls at once whose browser has not connected yet: each holds a place for up to 30 s."""
    max_inviting_per_address: int = Field(3, alias="MEDIA_MAX_INVITING_PER_ADDRESS", ge=1)
    max_calls_per_address: int = Field(20, alias="MEDIA_MAX_CALLS_PER_ADDRESS", ge=1)
    """Calls at once that customers of one address may have, whichever process they reach; many
    share one behind a carrier."""
    turn_urls: Words = Field((), alias="TURN_URLS")
    """`turn:host:port?transport=udp` and the like."""
    turn_secret: SecretStr | None = Field(None, alias="TURN_SECRET")
    """Shared with the TURN server (coturn's static-auth-secret), for credentials that expire."""
    turn_ttl_seconds: int = Field(86_400, alias="TURN_TTL_SECONDS", ge=60)

    @field_validator("public_ip")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            return str(ip_address(value)) if value else value
        except ValueError as error:
            raise ValueError("not an IP address") from error

    @field_validator("udp_ports")
    @classmethod
    def _ascending(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value is not None and value[0] > value[1]:
            raise ValueError("the first port is above the last")
        return value

    @field_validator("turn_urls")
    @classmethod
    def _turn(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(url.startswith(("turn:", "turns:", "stun:")) for url in value):
            raise ValueError("an address begins with turn:, turns: or stun:")
        return value


class Recordings(_Section):
    """Days that a recording is kept, by the retention class of its queue's rule. The defaults are
    for a lawyer to confirm."""

    standard_days: int = Field(180, alias="RECORDINGS_STANDARD_DAYS", ge=1, le=36_500)
    contract_days: int = Field(5 * 365, alias="RECORDINGS_CONTRACT_DAYS", ge=1, le=36_500)
    claim_days: int = Field(5 * 365, alias="RECORDINGS_CLAIM_DAYS", ge=1, le=36_500)
    health_days: int = Field(5 * 365, alias="RECORDINGS_HEALTH_DAYS", ge=1, le=36_500)

    def days(self, retention: str) -> int:
        """Of a class: standard, contract, claim or health."""
        found: int = getattr(self, f"{retention}_days")
        return found


class Log(_Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", alias="LOG_LEVEL")
    format: Literal["auto", "json", "console"] = Field("auto", alias="LOG_FORMAT")
    """auto: readable on a terminal, JSON elsewhere and in production."""
    file: Path | None = Field(None, alias="LOG_FILE")
    """None: no file. A file holds JSON lines, rolls at midnight UTC and is kept 14 days."""

    @field_validator("level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value


class Demo(_Section):
    enabled: bool = Field(False, alias="DEMO")
    traffic: float = Field(1.0, alias="DEMO_TRAFFIC", ge=0, le=20)
    """Simulated arrivals as a multiple of the demo centre's own rate."""


class Settings(BaseSettings):
    """One frozen object with a section per concern; built by load_settings()."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    app: App
    database: Database
    redis: Redis
    auth: Auth
    sign_in: SignIn
    mail: Mail
    web: Web
    chat: Chat
    media: Media
    recordings: Recordings
    log: Log
    demo: Demo

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # load_settings() deals the flat names out to the sections

    @property
    def media_socket(self) -> Path:
        """Where web and media meet."""
        return self.media.socket or self.app.data_dir / "media.sock"

    @property
    def media_dir(self) -> Path:
        """What the media process keeps: recordings, and reports not yet taken by web."""
        return self.app.data_dir / "media"

    def with_database(self, url: str) -> Self:
        """The same settings on another database."""
        return self.model_copy(update={"database": self.database.model_copy(update={"url": url})})


def variables() -> dict[str, tuple[str, str]]:
    """Environment variable → (section, field), for every setting there is."""
    found: dict[str, tuple[str, str]] = {}
    for section, info in Settings.model_fields.items():
        model = info.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        for name, field in model.model_fields.items():
            assert field.alias is not None
            found[field.alias] = (section, name)
    return found


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in `environ`; None reads the process environment over `.env`.

    An empty value counts as unset. Raises SettingsError with one clear sentence.
    """
    if environ is None:
        in_file = {k: v for k, v in dotenv_values(".env").items() if v is not None}
        environ = {**in_file, **os.environ}
    sections: dict[str, dict[str, Any]] = {name: {} for name in Settings.model_fields}
    for variable, (section, _) in variables().items():
        if environ.get(variable):
            sections[section][variable] = environ[variable]
    try:
        app = App.model_validate(sections["app"])
        if app.is_production:
            _refuse_in_production(sections)
        else:
            sections["auth"] = {**_kept_secrets(app.data_dir, sections["auth"]), **sections["auth"]}
        if not app.public_url:
            sections["app"]["PUBLIC_URL"] = _own_url(app)
        return Settings.model_validate(sections)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from error


def child_environment(**changes: str) -> dict[str, str]:
    """This process's environment with changes, for a child process."""
    return {**os.environ, **changes}


def _own_url(app: App) -> str:
    host = "127.0.0.1" if app.host in {"", "0.0.0.0", "::"} else app.host
    return f"http://{f'[{host}]' if ':' in host else host}:{app.port}"


def keyring_of(text: SecretStr) -> dict[str, bytes]:
    """Read ENCRYPTION_KEYS; ValueError says what is wrong without quoting it."""
    ring: dict[str, bytes] = {}
    for entry in _split(text.get_secret_value()):
        name, colon, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, altchars=b"-_", validate=True)
        except binascii.Error as error:
            raise ValueError("a key is not base64") from error
        if not colon or not name.isascii() or not name.isalnum() or len(name) > KEY_NAME_LENGTH:
            raise ValueError(f"a key's name has 1 to {KEY_NAME_LENGTH} letters and digits")
        if len(key) != KEY_BYTES or name in ring:
            raise ValueError(f"each name stands for one key of {KEY_BYTES} bytes")
        ring[name] = key
    if not ring:
        raise ValueError("at least one key is needed")
    return ring


def _refuse_in_production(sections: Mapping[str, Mapping[str, Any]]) -> None:
    for name in SECRET_NAMES:
        if len(sections["auth"].get(name, "")) < SECRET_MIN_LENGTH:
            raise SettingsError(
                f"APP_ENV=production needs {name} with at least {SECRET_MIN_LENGTH} characters of "
                "your own: make one with `openssl rand -base64 48`."
            )
    if sections["auth"]["JWT_SECRET"] == sections["auth"]["JWT_REFRESH_SECRET"]:
        raise SettingsError("APP_ENV=production needs JWT_SECRET and JWT_REFRESH_SECRET to differ.")
    if not sections["auth"].get("ENCRYPTION_KEYS"):
        raise SettingsError(
            "APP_ENV=production needs ENCRYPTION_KEYS: make one with "
            '`echo "k1:$(openssl rand -base64 32)"`, and keep it where no backup of the '
            "database is."
        )
    if Demo.model_validate(sections["demo"]).enabled:
        raise SettingsError("APP_ENV=production refuses DEMO: unset one of the two.")


def _fresh_secrets() -> dict[str, str]:
    return {name: secrets.token_urlsafe(48) for name in SECRET_NAMES}


def _fresh_keys() -> dict[str, str]:
    return {"ENCRYPTION_KEYS": "dev:" + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}


def _kept_secrets(data_dir: Path, given: Mapping[str, Any]) -> dict[str, str]:
    """Secrets of a development system, made once and kept readable by their owner only."""
    kept: dict[str, str] = {}
    if not all(name in given for name in SECRET_NAMES):
        kept |= _kept(data_dir / "secrets.json", SECRET_NAMES, _fresh_secrets)
    if "ENCRYPTION_KEYS" not in given:
        kept |= _kept(data_dir / "keys.json", ("ENCRYPTION_KEYS",), _fresh_keys)
    return kept


def _kept(path: Path, names: tuple[str, ...], make: Callable[[], dict[str, str]]) -> dict[str, str]:
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            draft = path.with_name(f".{path.stem}.{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(make()))
            with contextlib.suppress(FileExistsError):  # whoever comes second takes the first's
                path.hardlink_to(draft)
            draft.unlink()
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {name: str(kept[name]) for name in names}
    except OSError as error:
        raise SettingsError(
            f"The data folder {path.parent} cannot be used ({error.strerror}): set DATA_DIR to a "
            "folder of your own."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} is damaged: delete it, and a new one is made.") from error


def _sentence(error: ValidationError) -> str:
    parts = []
    for item in error.errors(include_url=False, include_input=False):
        name = str(item["loc"][-1])
        parts.append(f"{name}: {item['msg'].removeprefix('Value error, ')}")
    return "These settings cannot be used: " + "; ".join(parts) + "."
