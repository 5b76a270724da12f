"""The small parent of `make run`: it owns PostgreSQL, the media and the serving process.

The serving process dies: it is started again, while PostgreSQL and the calls go on. Media dies: it
is started again, and browsers negotiate anew. The parent dies: all end. Ctrl-C ends everything in
order.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from types import FrameType

import db
from config.settings import Settings, SettingsError, child_environment
from db import migrate, seeds
from db.embedded import AlreadyRunningError, EmbeddedError, EmbeddedPostgres
from db.owned import OwnedProcess

SERVE = ("-m", "contactcenter", "serve", "--roles", "web,router,listeners,jobs,demo")
MEDIA = ("-m", "contactcenter", "media")
READY_WITHIN_SECONDS = 60
GIVE_UP_AFTER = 3
SLOWEST_RESTART_SECONDS = 10.0
STEADY_AFTER_SECONDS = 30.0
QUIET = "WARNING"  # unless LOG_LEVEL is set: the addresses stay in sight on the terminal
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENDING = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))
SIGN_INS = (
    ("agents", "agent1@aintech.com … agent3@aintech.com"),
    ("supervisors", "supervisor1@aintech.com, supervisor2@aintech.com"),
    ("administrator", "admin@aintech.com"),
)
PASSWORD = "password123"  # noqa: S105 (of the demo; production has no such users)


class StartError(EmbeddedError):
    """The centre cannot start; the text is one sentence with the way out."""


class _Stop(KeyboardInterrupt):
    """A signal asked for the end. Of a kind that asyncio lets through at once."""


def main(settings: Settings, *, traffic: float | None = None) -> int:
    """Run the demo centre until Ctrl-C or SIGTERM. Returns the exit code."""
    if settings.app.is_production:
        raise SettingsError("`demo` is not for APP_ENV=production: use `serve` and `worker`.")
    if traffic is not None and not 0 <= traffic <= 20:
        raise SettingsError("--traffic is between 0 and 20.")
    level = settings.demo.traffic if traffic is None else traffic
    return run(Centre(settings, level))


def run(centre: Centre) -> int:
    """Keep the centre up until a signal ends it. Returns the exit code."""
    for sign in SIGNALS:
        signal.signal(sign, centre.ask_to_stop)
    try:
        centre.run()
    except _Stop:
        _say("Stopping ...")
    finally:
        for sign in SIGNALS:
            signal.signal(sign, signal.SIG_IGN)  # the end takes a moment, and is under way
        centre.end()
    return 0


@dataclass(slots=True)
class Centre:
    """What the parent owns, and how often the serving process has failed of late."""

    settings: Settings
    traffic: float
    command: tuple[str, ...] = SERVE
    media_command: tuple[str, ...] = MEDIA
    postgres: EmbeddedPostgres | None = None
    media: OwnedProcess | None = None
    media_failures: int = 0
    media_started_at: float = field(default=0.0)
    web: OwnedProcess | None = None
    ready: bool = False
    failures: int = 0
    started_at: float = field(default=0.0)
    stopping: bool = False

    def ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        """The handler of the signals. What it raises is lost where a finaliser happens to run
        (Python only prints it); the flag is not, and the watch looks at it."""
        self.stopping = True
        raise _Stop

    def run(self) -> None:
        """Start everything, then keep it up; leaves by an exception only."""
        running = self._start_database()
        _refuse_taken_port(running)
        asyncio.run(_prepare(running))
        self._keep_media()
        while True:
            if self.postgres is not None and not self.postgres.alive():
                _say("PostgreSQL ended: starting it again.")
                self._end_web()
                self.postgres.stop()
                running = self._start_database()
            self._start_web(running)
            self._watch()
            self._pause()

    def end(self) -> None:
        self._end_web()
        if self.media is not None:
            self.media.end(*ENDING)
        if self.postgres is not None:
            self.postgres.stop()

    def _start_database(self) -> Settings:
        if self.settings.database.url is not None:
            return self.settings
        self.postgres = EmbeddedPostgres(self.settings.app.data_dir)
        try:
            self.postgres.start()
        except AlreadyRunningError as error:
            raise StartError(
                f"The centre already runs on {self.settings.app.data_dir}, at "
                f"{self.settings.app.public_url} unless it was started with another PORT: use it, "
                "stop it, or start this one with another DATA_DIR and PORT."
            ) from error
        return self.settings.with_database(self.postgres.url)

    def _start_web(self, running: Settings) -> None:
        assert running.database.url is not None
        self.started_at = time.monotonic()
        self.web = OwnedProcess(
            [sys.executable, *self.command],
            signal.SIGKILL,
            env=child_environment(
                DATABASE_URL=running.database.url,
                DEMO="true",
                DEMO_TRAFFIC=str(self.traffic),
                LOG_LEVEL=self._level(),
            ),
        )

    def _keep_media(self) -> None:
        """Start media, or start it again: at once, then after longer and longer waits."""
        now = time.monotonic()
        if self.media is not None:
            if self.media.exit_code() is None:
                return
            lived = now - self.media_started_at
            if lived > STEADY_AFTER_SECONDS:
                self.media_failures = 0
            if lived < min(SLOWEST_RESTART_SECONDS, 0.1 * 2**self.media_failures):
                return
            self.media_failures += 1
            _say("The media process ended: starting it again.")
        self.media_started_at = now
        self.media = OwnedProcess(
            [sys.executable, *self.media_command],
            signal.SIGTERM,  # it ends its recordings
            env=child_environment(LOG_LEVEL=self._level()),
        )

    def _level(self) -> str:
        return self.settings.log.level if "level" in self.settings.log.model_fields_set else QUIET

    def _watch(self) -> None:
        """Return when the serving process or PostgreSQL has ended."""
        assert self.web is not None
        while (code := self.web.exit_code()) is None:
            if self.stopping:
                raise _Stop
            if self.postgres is not None and not self.postgres.alive():
                return
            if not self.ready:
                self.ready = self._await_ready()
            self._keep_media()
            self.web.wait(0.5 if self.ready else 0.05)
        _say(f"The serving process ended ({_how(code)}).")

    def _await_ready(self) -> bool:
        if _answers(f"{local_url(self.settings)}/readyz"):
            _welcome(self.settings)
            return True
        if time.monotonic() - self.started_at > READY_WITHIN_SECONDS:
            raise StartError(
                f"The centre did not become ready within {READY_WITHIN_SECONDS} s: see the lines "
                "above, and start again."
            )
        return False

    def _pause(self) -> None:
        """Wait before the next start: longer each time, short again after a steady while."""
        lived = time.monotonic() - self.started_at
        self.failures = 1 if lived > STEADY_AFTER_SECONDS else self.failures + 1
        if not self.ready and self.failures >= GIVE_UP_AFTER:
            raise StartError("The centre did not start: see the lines above.")
        if self.web is not None and self.web.exit_code() is not None:
            _say("It is started again.")
        time.sleep(min(SLOWEST_RESTART_SECONDS, 0.1 * 2**self.failures))

    def _end_web(self) -> None:
        if self.web is not None:
            self.web.end(*ENDING)
            self.web = None


async def _prepare(settings: Settings) -> None:
    conn = await db.connect(settings, "contactcenter supervisor")
    try:
        applied = await migrate.up(conn, migrate.read())
        if applied:
            _say(f"The database is at version {applied[-1].version:04}.")
        async with conn.transaction():
            rounds = settings.auth.bcrypt_rounds
            await seeds.run(conn, environment=settings.app.environment, rounds=rounds)
    finally:
        await conn.close()


def _refuse_taken_port(settings: Settings) -> None:
    host, port = settings.app.host, settings.app.port
    try:
        with contextlib.closing(socket.create_server((host, port), family=_family(host))):
            return
    except PermissionError as error:
        raise StartError(
            f"Port {port} is not free to ordinary users: choose one above 1023, such as "
            "`PORT=8080 make run`."
        ) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"Port {port} is taken by another program: stop that one, or choose another port, "
                f"such as `PORT={port + 1 if port < 65535 else 8080} make run`."
            ) from error
        raise StartError(
            f"HOST {host} is no address of this machine ({error.strerror}): unset it, or choose "
            "one that is."
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def local_url(settings: Settings) -> str:
    """Where this machine itself reaches the centre."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(
        settings.app.host, settings.app.host
    )
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.app.port}"


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _how(code: int) -> str:
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


def _welcome(settings: Settings) -> None:
    url = settings.app.public_url
    lines = [
        "",
        "The centre is open:",
        f"  customer's page   {url}/demo",
        f"  agent's desk      {url}/desk",
        f"  wallboard         {url}/wallboard",
        f"  administration    {url}/admin",
        f"  your account      {url}/account",
        f"  interface         {url}/api/docs",
        f"Sign in with the password {PASSWORD}:",
        *(f"  {role:<17} {names}" for role, names in SIGN_INS),
        "Ctrl-C ends it.",
        "",
    ]
    _say("\n".join(lines))


def _say(text: str) -> None:
    print(text, flush=True)
