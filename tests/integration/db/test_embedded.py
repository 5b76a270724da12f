from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import db
from config.settings import load_settings
from db import embedded
from db.embedded import AlreadyRunningError, EmbeddedError, EmbeddedPostgres
from tests.conftest import TEST_ENVIRON
from tests.integration.conftest import FAST, settings_for

ROOT = Path(__file__).parents[3]

OWNER = """
import sys, time
from pathlib import Path
from db.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1])).start()
print(server.pid, server.url, flush=True)
time.sleep(600)
"""
OWNER_IN_A_THREAD = """
import sys, threading, time
from pathlib import Path
from db.embedded import EmbeddedPostgres
def own():
    server = EmbeddedPostgres(Path(sys.argv[1])).start()
    print(server.pid, server.url, flush=True)
threading.Thread(target=own).start()
time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that an unprivileged user may enter, with a path short enough."""
    path = Path(tempfile.mkdtemp(prefix="cc-embedded-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def run_sql(url: str, *statements: str) -> list[object]:
    async def work() -> list[object]:
        conn = await db.connect(settings_for(url, Path("unused")))
        found = [await conn.fetchval(statement) for statement in statements]
        await conn.close()
        return found

    return asyncio.run(work())


def gone(pid: int, patience: float = 15) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_what_was_written_is_there_at_the_next_start(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        first = server.pid
        run_sql(server.url, "CREATE TABLE t (n int)", "INSERT INTO t VALUES (7)")
        assert server.alive()
    assert gone(first, 1)
    with EmbeddedPostgres(folder) as server:
        facts = run_sql(
            server.url,
            "SELECT n FROM t",
            "SHOW server_version_num",
            "SHOW fsync",
            "SHOW data_checksums",
            "SELECT concat(datlocprovider, '/', datlocale) FROM pg_database LIMIT 1",
            "SHOW listen_addresses",
        )
    assert facts[0] == 7
    assert str(facts[1]).startswith("18")
    assert facts[2:] == ["on", "on", "b/C.UTF-8", ""]


@pytest.mark.parametrize("program", [OWNER, OWNER_IN_A_THREAD], ids=["kernel", "watchdog"])
def test_the_server_ends_when_its_owner_is_killed(folder: Path, program: str) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pid, url = owner.stdout.readline().split()
    run_sql(url, "CREATE TABLE t (n int)", "INSERT INTO t VALUES (1)")
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    # The next start comes at once and waits for what is left of the first.
    with EmbeddedPostgres(folder) as server:
        assert run_sql(server.url, "SELECT n FROM t") == [1]
    assert gone(int(pid))


def test_a_second_owner_is_told_where_the_first_is(folder: Path) -> None:
    with EmbeddedPostgres(folder, FAST) as server:
        with pytest.raises(AlreadyRunningError, match="already running on") as caught:
            EmbeddedPostgres(folder, FAST).start()
        assert caught.value.url == server.url
        settings = load_settings({**TEST_ENVIRON, "DATA_DIR": str(folder)})
        with embedded.running(settings) as attached:
            assert attached.database.url == server.url
        assert server.alive()


def test_a_command_starts_a_server_for_its_own_time(folder: Path) -> None:
    settings = load_settings({**TEST_ENVIRON, "DATA_DIR": str(folder)})
    with embedded.running(settings) as started:
        assert started.database.url is not None
        assert run_sql(started.database.url, "SELECT 1") == [1]
    assert not (folder / "postgres" / "postmaster.pid").exists()


def test_a_half_made_folder_is_made_anew(folder: Path) -> None:
    (folder / "postgres.new-abc").mkdir()
    (folder / "postgres.new-abc" / "PG_VERSION").write_text("18\n")
    (folder / "postgres").mkdir()
    with EmbeddedPostgres(folder, FAST) as server:
        assert run_sql(server.url, "SELECT 1") == [1]
    assert not list(folder.glob("postgres.new-*"))


def test_strange_files_are_left_alone(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "letter.txt").write_text("mine")
    with pytest.raises(EmbeddedError, match="holds files but no database: move it away"):
        EmbeddedPostgres(folder, FAST).start()
    assert (folder / "postgres" / "letter.txt").read_text() == "mine"


def test_a_damaged_database_is_one_sentence(folder: Path) -> None:
    with EmbeddedPostgres(folder, FAST):
        pass
    (folder / "postgres" / "global" / "pg_control").write_bytes(b"\0" * 8192)
    with pytest.raises(EmbeddedError, match="did not start .*postgres.log") as caught:
        EmbeddedPostgres(folder, FAST).start()
    assert "\n" not in str(caught.value)


def test_another_version_is_refused(folder: Path) -> None:
    with EmbeddedPostgres(folder, FAST):
        pass
    (folder / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL '16', this is 18"):
        EmbeddedPostgres(folder, FAST).start()


def test_a_file_in_the_place_of_the_folder_is_one_sentence(folder: Path) -> None:
    (folder / "var").write_text("")
    with pytest.raises(EmbeddedError, match="cannot be used .*set DATA_DIR"):
        EmbeddedPostgres(folder / "var").start()


@pytest.mark.parametrize("name", ["long-" * 30, "with, comma and 'quotes'"])
def test_a_path_that_no_socket_can_have(folder: Path, name: str) -> None:
    with EmbeddedPostgres(folder / name, FAST) as server:
        assert run_sql(server.url, "SELECT 1") == [1]
        sockets = Path(server.url.rpartition("host=")[2].replace("%2F", "/"))
        assert sockets.exists()
    assert not sockets.exists()


def test_stopping_twice_and_from_a_thread_is_fine(folder: Path) -> None:
    server = EmbeddedPostgres(folder, FAST)

    def own() -> None:
        server.start()
        server.stop()

    thread = threading.Thread(target=own)
    thread.start()
    thread.join()
    server.stop()
    assert not server.alive()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
class TestAsRoot:
    def test_the_server_is_not_root(self, folder: Path) -> None:
        with EmbeddedPostgres(folder, FAST) as server:
            assert Path(f"/proc/{server.pid}").stat().st_uid != 0

    def test_behind_a_closed_folder_the_data_lie_elsewhere(self, folder: Path) -> None:
        closed = folder / "home"
        closed.mkdir(mode=0o700)
        try:
            with EmbeddedPostgres(closed / "var") as server:
                run_sql(server.url, "CREATE TABLE t (n int)", "INSERT INTO t VALUES (3)")
            home = Path((closed / "var" / "postgres.elsewhere").read_text().strip())
            assert (home / "postgres" / "PG_VERSION").exists()
            with EmbeddedPostgres(closed / "var") as server:
                assert run_sql(server.url, "SELECT n FROM t") == [3]
        finally:
            shutil.rmtree(home)

    def test_data_of_a_user_are_used_as_that_user(self, folder: Path) -> None:
        with EmbeddedPostgres(folder, FAST):
            pass
        for path in (folder / "postgres", *(folder / "postgres").rglob("*")):
            os.chown(path, 1, 1)  # daemon
        with EmbeddedPostgres(folder, FAST) as server:
            assert Path(f"/proc/{server.pid}").stat().st_uid == 1

    def test_an_ordinary_user_is_told_whose_the_data_are(self, folder: Path) -> None:
        with EmbeddedPostgres(folder, FAST):
            pass
        folder.chmod(0o777)
        (folder / "postgres.lock").unlink()
        os.seteuid(1)
        try:
            with pytest.raises(EmbeddedError, match=r"belongs to .*: start as that user"):
                EmbeddedPostgres(folder, FAST).start()
        finally:
            os.seteuid(0)
