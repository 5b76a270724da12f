"""What `make run` runs, with its real processes: from nothing, ended by Ctrl-C, and once more."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TEST_ENVIRON

ROOT = Path(__file__).parents[2]
TRAFFIC = 2.5
SUPERVISOR = {"email": "supervisor1@aintech.com", "password": "password123"}
PROGRAMS = ("serve", "media", "postgres")


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="cc-demo-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def demo(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A centre that is open, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Traffic is given on the command line only; the roles and the level are the supervisor's own.
    told = {**TEST_ENVIRON, "APP_ENV": "development", "DATA_DIR": str(folder), "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "contactcenter", "demo", "--traffic", str(TRAFFIC)],
        cwd=ROOT,
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        seen = ""
        while "Ctrl-C ends it." not in seen:
            line = process.stdout.readline()
            assert line, f"it ended: {seen}"
            seen += line
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def call(url: str, body: object = None, token: str | None = None) -> Any:
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=20) as answer:
        return json.load(answer)


def below(pid: int) -> dict[int, str]:
    """The processes that this one began, and theirs, with their command lines."""
    found: dict[int, str] = {}
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                if stat[0] != "Z":
                    parents.setdefault(int(stat[1]), []).append(int(entry.name))
    todo = list(parents.get(pid, []))
    while todo:
        child = todo.pop()
        with contextlib.suppress(OSError):
            found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
        todo += parents.get(child, [])
    return found


def test_the_demo_opens_lives_ends_and_opens_again(folder: Path) -> None:
    ids: list[str] = []
    for _ in range(2):
        with demo(folder) as (process, url):
            signed_in = call(f"{url}/api/v1/auth/login", SUPERVISOR)
            ids.append(signed_in["user"]["id"])
            levers = call(f"{url}/api/v1/demo", token=signed_in["access_token"])
            assert levers["traffic"] == TRAFFIC, "the level reaches the process that serves"
            for page in ("/demo", "/desk", "/wallboard"):
                with urllib.request.urlopen(url + page, timeout=20) as answer:
                    assert answer.status == 200
            family = below(process.pid)
            for program in PROGRAMS:
                assert any(program in line for line in family.values()), family
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            deadline = time.monotonic() + 15
            while left := [pid for pid in family if Path(f"/proc/{pid}").exists()]:
                assert time.monotonic() < deadline, {pid: family[pid] for pid in left}
                time.sleep(0.05)
    assert ids[0] == ids[1], "the second start is of the same centre"
