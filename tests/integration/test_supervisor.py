from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import load_settings
from contactcenter import supervisor
from db.embedded import EmbeddedPostgres
from db.owned import OwnedProcess
from tests.conftest import TEST_ENVIRON

ROOT = Path(__file__).parents[2]

# A serving process that answers /readyz, tells its pid and can be made to die.
SERVER = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die": os._exit(3)
        self.send_response(200); self.end_headers(); self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_): pass
assert os.environ["DATABASE_URL"].startswith("postgresql://")
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
# A media process that says its pid.
MEDIA = """
import os, pathlib, time
pathlib.Path(os.environ["DATA_DIR"], "media.pid").write_text(str(os.getpid()))
time.sleep(600)
"""
PARENT = """
import sys
from config.settings import load_settings
from contactcenter import supervisor
try:
    serve, media = ("-c", sys.argv[1]), ("-c", sys.argv[2])
    sys.exit(supervisor.run(supervisor.Centre(load_settings(), 1.0, serve, media)))
except supervisor.StartError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
"""


def empty_folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="cc-supervisor-"))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """The data of a centre that has been up: one start from nothing is enough for this file."""
    path = empty_folder()
    with EmbeddedPostgres(path, {"fsync": "off"}) as server:
        environ = {**TEST_ENVIRON, "DATABASE_URL": server.url, "DATA_DIR": str(path)}
        asyncio.run(supervisor._prepare(load_settings(environ)))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    path = empty_folder()
    subprocess.run(["cp", "-a", made / "postgres", path], check=True)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Parent:
    def __init__(self, folder: Path, port: int, server: str = SERVER) -> None:
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT, server, MEDIA],
            cwd=ROOT,
            env={**os.environ, **TEST_ENVIRON, "DATA_DIR": str(folder), "PORT": str(port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Parent:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def read_until(self, text: str) -> str:
        assert self.process.stdout is not None
        seen = ""
        while text not in seen:
            line = self.process.stdout.readline()
            assert line, (
                f"ended after {seen!r}: {self.process.stderr and self.process.stderr.read()}"
            )
            seen += line
        return seen

    def get(self, path: str) -> str | None:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as conn:
                conn.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                answer = b""
                while part := conn.recv(4096):
                    answer += part
        except OSError:
            return None
        return answer.rpartition(b"\r\n")[2].decode()

    def pid_of_server(self, other_than: str | None = None) -> str:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if (pid := self.get("/")) and pid != other_than:
                return pid
            time.sleep(0.05)
        raise AssertionError("no server")


def running(pid: int | str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(*pids: int | str) -> bool:
    deadline = time.monotonic() + 15
    while any(running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(running(pid) for pid in pids)


def postgres_pid(folder: Path) -> str:
    return (folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0]


def media_pid(folder: Path, other_than: str | None = None) -> str:
    path, deadline = folder / "media.pid", time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and (pid := path.read_text()) and pid != other_than:
            return pid
        time.sleep(0.02)
    raise AssertionError("no media process")


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_tells_the_addresses_and_a_signal_ends_everything(
    folder: Path, port: int, sign: signal.Signals
) -> None:
    with Parent(folder, port) as parent:
        told = parent.read_until("Ctrl-C")
        assert f"http://127.0.0.1:{port}/desk" in told
        assert "agent1@aintech.com" in told
        pids = parent.pid_of_server(), postgres_pid(folder), media_pid(folder)
        parent.process.send_signal(sign)
        assert parent.process.wait(30) == 0
        assert gone(*pids)


def test_killed_it_leaves_nothing_behind(folder: Path, port: int) -> None:
    with Parent(folder, port) as parent:
        parent.read_until("Ctrl-C")
        pids = parent.pid_of_server(), postgres_pid(folder), media_pid(folder)
        parent.process.kill()
        assert gone(*pids)


def test_media_that_dies_comes_back_and_the_rest_stays(folder: Path, port: int) -> None:
    with Parent(folder, port) as parent:
        parent.read_until("Ctrl-C")
        server, first = parent.pid_of_server(), media_pid(folder)
        os.kill(int(first), signal.SIGKILL)
        second = media_pid(folder, other_than=first)
        os.kill(int(second), signal.SIGKILL)
        assert running(media_pid(folder, other_than=second))
        assert parent.get("/") == server


def test_a_server_that_dies_comes_back_and_the_rest_stays(folder: Path, port: int) -> None:
    with Parent(folder, port) as parent:
        parent.read_until("Ctrl-C")
        media = media_pid(folder)
        first, postgres = parent.pid_of_server(), postgres_pid(folder)
        parent.get("/die")
        second = parent.pid_of_server(other_than=first)
        os.kill(int(second), signal.SIGKILL)
        third = parent.pid_of_server(other_than=second)
        assert len({first, second, third}) == 3
        assert postgres_pid(folder) == postgres
        assert media_pid(folder) == media
        assert running(media)
        parent.process.terminate()
        told = parent.process.communicate(timeout=30)[0]
        assert "ended (exit code 3)" in told
        assert "ended (signal SIGKILL)" in told
        assert "It is started again." in told


def test_a_database_that_dies_comes_back(folder: Path, port: int) -> None:
    with Parent(folder, port) as parent:
        parent.read_until("Ctrl-C")
        first, postgres = parent.pid_of_server(), postgres_pid(folder)
        os.kill(int(postgres), signal.SIGKILL)
        parent.pid_of_server(other_than=first)
        assert postgres_pid(folder) != postgres


def test_a_taken_port_is_one_sentence(folder: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)), Parent(folder, port) as parent:
        told = parent.process.communicate(timeout=30)[1]
    assert parent.process.returncode == 1
    assert told.strip() == (
        f"Port {port} is taken by another program: stop that one, or choose another port, such as "
        f"`PORT={port + 1} make run`."
    )


def test_a_second_centre_on_the_same_data_is_one_sentence(folder: Path, port: int) -> None:
    with Parent(folder, port) as parent:
        parent.read_until("Ctrl-C")
        with Parent(folder, port) as second:
            told = second.process.communicate(timeout=30)[1]
        assert second.process.returncode == 1
        assert told.startswith(f"The centre already runs on {folder}, at http://127.0.0.1:{port}")
        assert parent.get("/")


def test_a_server_that_never_starts_is_given_up(folder: Path, port: int) -> None:
    with Parent(folder, port, "raise SystemExit('no such thing')") as parent:
        out, err = parent.process.communicate(timeout=60)
    assert parent.process.returncode == 1
    assert out.count("The serving process ended (exit code 1)") == 3
    assert err.endswith("The centre did not start: see the lines above.\n")


def test_ctrl_c_in_a_finaliser_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finalised:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGUSR2)

    lost: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda about: lost.append(about.exc_type))
    centre = supervisor.Centre(load_settings(TEST_ENVIRON), 1.0, ready=True)
    centre.web = OwnedProcess(["/bin/sleep", "600"], signal.SIGKILL)
    before = signal.signal(signal.SIGUSR2, centre.ask_to_stop)
    try:
        Finalised()
        with pytest.raises(KeyboardInterrupt):
            centre._watch()
    finally:
        signal.signal(signal.SIGUSR2, before)
        centre.end()
    assert lost == [supervisor._Stop]
