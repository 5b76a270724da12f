from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import grimp
import pytest

from tests.architecture.sources import PACKAGES, ROOT, product_files

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
PURE_FORBIDS = next(c for c in CONTRACTS["contracts"] if c["id"] == "pure")["forbidden_modules"]

# Where the wall clock is read: the centre's clock itself, the time inside an id, and the age of a
# row that the database dated.
READS_WALL_CLOCK = {
    "contactcenter/core/clock.py",
    "contactcenter/core/durable.py",
    "contactcenter/core/ids.py",
}
WALL_CLOCK = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time",
              "time.time_ns"}  # fmt: skip

# Session state lives on a connection of one's own; these files take one from db.connect().
OWN_CONNECTIONS = {
    "db/migrate.py",
    "contactcenter/core/bus.py",
    "contactcenter/core/jobs.py",
    "routing/group_store.py",  # the leader's lock, on the leader's own connection
}
SESSION_STATE = re.compile(
    r"pg_(?:try_)?advisory_lock|\b(?:UN)?LISTEN\s+\w|\bSET\s+SESSION\b|\badd_listener\("
)


# Dice are handed to these.
DICE = {"routing.traffic": {"random"}}

STORE = re.compile(r"(\w+_)?store")
EDGE = re.compile(r"(\w+_)?(routes|sockets|listeners|jobs)")
NO_EDGE = {"crm.routes"}  # what the CRM's edges share; no route of its own


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def test_the_contracts_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[done.stdout.find("Broken contracts") :]


def test_every_package_has_its_place_in_the_house() -> None:
    house = next(c for c in CONTRACTS["contracts"] if c["id"] == "house")
    placed = {name for layer in house["layers"] for name in re.findall(r"[\w.]+", layer)}
    inside = {
        f"contactcenter.{path.stem}"
        for path in (ROOT / "contactcenter").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    } - {"contactcenter.__init__"}
    assert (set(PACKAGES) - {"contactcenter"}) | inside <= placed


def test_a_store_is_private_to_its_slice() -> None:
    strangers = [
        f"{importer} → {store}"
        for store in sorted(graph().modules)
        if STORE.fullmatch(store.rpartition(".")[2])
        for importer in sorted(graph().find_modules_that_directly_import(store))
        if importer.rpartition(".")[0] != store.rpartition(".")[0]
    ]
    assert strangers == []


def strangers_at(edge: str) -> list[str]:
    """Who imports an edge and is neither the room's module nor an edge."""
    return [
        f"{importer} → {edge}"
        for importer in sorted(graph().find_modules_that_directly_import(edge))
        if importer.rpartition(".")[2] != "module"
        and not EDGE.fullmatch(importer.rpartition(".")[2])
    ]


def test_nothing_but_the_room_s_module_imports_an_edge() -> None:
    edges = [
        module
        for module in sorted(graph().modules)
        if EDGE.fullmatch(module.rpartition(".")[2])
        and not module.startswith("contactcenter.core")
        and module not in NO_EDGE
    ]
    assert {"routing.sockets", "crm.claims.routes", "contactcenter.identity.oauth_routes"} < {
        *edges
    }
    assert [stranger for edge in edges for stranger in strangers_at(edge)] == []
    assert strangers_at("contactcenter.core.jobs") != [], "one that is imported would be found"


def test_models_are_pure() -> None:
    impure = [
        f"{model} → {upstream}"
        for model in sorted(graph().modules)
        if model.rpartition(".")[2] == "model"
        for upstream in sorted(graph().find_upstream_modules(model))
        if upstream.split(".")[0] in PURE_FORBIDS
    ]
    assert impure == []


def marked_pure() -> set[str]:
    """The modules whose docstring begins or ends with the mark."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in product_files()
        if re.search(r"\bPURE\b", ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")
    }


def reached(module: str) -> list[str]:
    """The ways from a module to what a pure one does not touch."""
    return [
        " → ".join(chain)
        for forbidden in sorted(set(PURE_FORBIDS) - DICE.get(module, set()))
        if forbidden in graph().modules
        and (chain := graph().find_shortest_chain(module, forbidden))
    ]


def test_what_is_marked_pure_is() -> None:
    assert {chain for module in sorted(marked_pure()) for chain in reached(module)} == set()


def test_the_mark_is_found_and_a_module_that_is_not_pure_too() -> None:
    assert {
        "channels.voice.call", "contactcenter.analytics.board", "routing.hours", "routing.rows",
    } < marked_pure()  # fmt: skip
    assert "routing.store → db" in reached("routing.store")
    assert "contactcenter.core.clock → time" in reached("contactcenter.core.clock")


def test_a_store_opens_no_transaction() -> None:
    assert (
        _calls(lambda path: STORE.fullmatch(path.stem), {"transaction", "begin", "acquire"}) == []
    )


@pytest.mark.parametrize("path", product_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_clock_reads_the_wall_clock(path: Path) -> None:
    if path.relative_to(ROOT).as_posix() in READS_WALL_CLOCK:
        return
    reads = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and ".".join(ast.unparse(node).split(".")[-2:]) in WALL_CLOCK
    ]
    assert reads == []


def test_session_state_stays_off_the_pool() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in product_files()
        if SESSION_STATE.search(path.read_text(encoding="utf-8"))
    }
    assert found <= OWN_CONNECTIONS


def _calls(chosen: object, names: set[str]) -> list[str]:
    assert callable(chosen)
    return [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.func.attr}()"
        for path in product_files()
        if chosen(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
    ]
