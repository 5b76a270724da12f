"""A failed proof ends with another exit code than a failed test, so it is not run again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import DISPROVED

ROOT = Path(__file__).parents[2]
CONFTEST = "from tests.conftest import pytest_runtest_logreport, pytest_sessionfinish"


@pytest.mark.parametrize(("mark", "code"), [("@pytest.mark.proof\n", DISPROVED), ("", 1)])
def test_a_failed_proof_is_final(tmp_path: Path, mark: str, code: int) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = proof: final\n")
    (tmp_path / "test_one.py").write_text(
        f"import pytest\n{mark}def test_one() -> None:\n    assert not pytest\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-n", "1", "test_one.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
