"""Imports that a start is spared."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from config.spared import spared


def test_inside_it_counts_as_absent_and_afterwards_it_is_there() -> None:
    sys.modules.pop("this", None)
    with spared("this"), pytest.raises(ImportError):
        importlib.import_module("this")
    assert "this" not in sys.modules


def test_what_is_loaded_stays() -> None:
    with spared("sys"):
        assert importlib.import_module("sys") is sys


def test_a_centre_without_a_demo_imports_neither_that_nor_what_libraries_offer() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import contactcenter.app, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"rich", "redis", "contactcenter.demo.module"} & set(told)
    assert {"socketio", "structlog"} <= set(told)
