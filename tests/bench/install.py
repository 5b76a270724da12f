"""`make run` from a fresh clone in an empty folder: seconds and megabytes until it is ready.

Cold has empty package caches, so the network is part of it; warm has those of this machine. The
clone holds what is committed. Afterwards the same clone is stopped and started again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench._report import report
from tests.reliability.centre import ROOT, free_port

AREA = "install"
COLD_RUNS = 2
WARM_RUNS = 3
STARTS = 3
PATIENCE_SECONDS = 900.0
NOT_INHERITED = (
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "DATABASE_URL",
    "DATA_DIR",
    "PYTHONDONTWRITEBYTECODE",
    "VIRTUAL_ENV",
)
CACHES = ("XDG_CACHE_HOME", "UV_CACHE_DIR", "PIP_CACHE_DIR", "npm_config_cache")


def main() -> None:
    with folder() as place:
        cold = [
            first_start(place / f"cold{run}", caches_below(place / f"caches{run}"))
            for run in range(COLD_RUNS)
        ]
        megabytes = [size_of(place / f"cold{run}") / 1e6 for run in range(COLD_RUNS)]
        cached = [size_of(place / f"caches{run}") / 1e6 for run in range(COLD_RUNS)]
        warm = [first_start(place / f"warm{run}", {}) for run in range(WARM_RUNS)]
        warm_megabytes = [size_of(place / f"warm{run}") / 1e6 for run in range(WARM_RUNS)]
        again = [start(place / "warm0", {}) for _ in range(STARTS)]
    report("install.seconds", cold, "s", "lower")
    report("install.megabytes", megabytes, "MB", "lower")
    report("install.cache_megabytes", cached, "MB", "lower")
    report("install.warm_seconds", warm, "s", "lower")
    report("install.warm_megabytes", warm_megabytes, "MB", "lower")
    report("install.second_start_seconds", again, "s", "lower")


def caches_below(folder: Path) -> dict[str, str]:
    """The environment that sends every package cache there."""
    return {name: str(folder / name) for name in CACHES}


def first_start(clone: Path, environ: Mapping[str, str]) -> float:
    """Clone into a folder that is not there yet, and start."""
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, clone], check=True)
    return start(clone, environ)


def start(clone: Path, environ: Mapping[str, str]) -> float:
    """Seconds from `make run` until the centre is ready; then Ctrl-C, and all its processes go."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    with (clone.parent / "make.log").open("w+b") as log:
        begun = time.perf_counter()
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env={**kept, **environ, "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            while not answers(f"http://127.0.0.1:{port}/readyz"):
                if process.poll() is not None or time.perf_counter() - begun > PATIENCE_SECONDS:
                    log.seek(0)
                    raise RuntimeError(log.read().decode(errors="replace")[-2000:])
                time.sleep(0.05)
            return time.perf_counter() - begun
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            process.wait(60)


def answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def size_of(path: Path) -> int:
    """Bytes on the disk below `path`, each file once however many names it has."""
    seen: dict[tuple[int, int], int] = {}
    for parent, _, names in os.walk(path):
        for name in names:
            found = (Path(parent) / name).lstat()
            seen[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(seen.values())


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """An empty folder that PostgreSQL's own user may enter too."""
    with tempfile.TemporaryDirectory(prefix="cc-install-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
