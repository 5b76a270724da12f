"""What every test can use. Tests read no environment of the machine: settings are given."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest

from config.settings import Settings, load_settings

TEST_ENVIRON = {
    "APP_ENV": "test",
    "JWT_SECRET": "test-only-access-secret-0123456789abcdef",
    "JWT_REFRESH_SECRET": "test-only-refresh-secret-0123456789abcdef",
    "ENCRYPTION_KEYS": "test:dGVzdC1vbmx5LWVuY3J5cHRpb24ta2V5LTAxMjM0NTY=",
    "BCRYPT_ROUNDS": "4",
    "LOG_LEVEL": "WARNING",
    "DB_POOL_MIN": "0",
    "DB_POOL_MAX": "8",
    "DB_TRANSACTION_TIMEOUT_MS": "20000",  # a loaded machine is not what a test is about
}

NIGHTLY = os.environ.get("NIGHTLY") == "1"
"""Long runs: more examples, more kills, more clients."""

DISPROVED = 10
"""The exit code after a failed test that is marked `proof`."""

hypothesis.settings.register_profile("usual", deadline=None)
hypothesis.settings.register_profile("nightly", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("nightly" if NIGHTLY else "usual")

MEMORY = Path("/dev/shm")
ROOMY = 2 << 30  # bytes


_disproved: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and "proof" in report.keywords:
        _disproved.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """What only failed may be run once more, as `make test` does after exit code 1. A failed proof
    is final: one in a hundred is one too many."""
    if _disproved and session.exitstatus == pytest.ExitCode.TESTS_FAILED:
        session.exitstatus = DISPROVED


def quick_folder(prefix: str, *, lasting: bool = False) -> Path:
    """A folder of a test's own that other users may enter; in memory where there is room, since a
    database is some hundred small files and every test has one. `lasting`: on a disk."""
    roomy = not lasting and MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    roomy = roomy and shutil.disk_usage(MEMORY).free > ROOMY
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if roomy else None))
    folder.chmod(0o755)
    return folder


class SettableClock:
    """A centre's clock that stands still until the test moves it."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def set(self, moment: datetime) -> None:
        self._now = moment

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> SettableClock:
    """A Tuesday at 10:00 in Madrid, within the demo centre's hours."""
    return SettableClock(datetime(2027, 3, 16, 9, 0, tzinfo=UTC))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings without a database; tests/integration replaces them by ones that have it."""
    return load_settings({**TEST_ENVIRON, "DATA_DIR": str(tmp_path)})
