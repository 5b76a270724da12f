"""Every note of the CRM in the audit log says what was before and what is now."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import ROOT

MADE = (
    "created",
    "added",
    "declared",
    "started",
    "imported",
    "issued",
    "noted",
    "asked",
    "checked",
)
"""Last words of actions before which there was nothing."""

DROPPED = ("dropped",)
NOTHING = {
    ("crm/customers/service.py", "customer.erased"): "what was known of them is what must go",
    ("crm/imports/service.py", "*.exported"): "nothing is changed",
    ("crm/imports/service.py", "customer.created"): "the import's own note has the file's digest",
    ("crm/imports/service.py", "policy.created"): "the import's own note has the file's digest",
    ("crm/workflows/service.py", "workflow.secret_changed"): "a secret is not written down",
}
"""Notes, by where they are left, without what was before and what is now, and why."""

ONE_SIDED = {
    ("crm/customers/merging.py", "customer.merged"): "before it were two files, which it names",
    ("crm/customers/merging.py", "customer.unmerged"): "after it are two files, which it names",
}
"""Notes that tell only what is now, and why."""


def notes(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Action (a `*` for what is filled in) and which of before and after are given."""
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr != "audit" or not node.args:
            continue
        first = node.args[0]
        if isinstance(first, ast.JoinedStr):
            action = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "*" for part in first.values
            )
        else:
            action = str(first.value) if isinstance(first, ast.Constant) else "*"
        yield action, frozenset(str(word.arg) for word in node.keywords) & {"before", "after"}


def short(path: str, action: str, told: frozenset[str]) -> bool:
    """Whether the note tells less than it must."""
    last = re.split("[._]", action)[-1]
    if (path, action) in NOTHING:
        return False
    if last in MADE or (path, action) in ONE_SIDED:
        return "after" not in told
    if last in DROPPED:
        return "before" not in told
    return told != {"before", "after"}


def test_every_note_of_the_crm_tells_what_it_must() -> None:
    found = [
        (str(path.relative_to(ROOT)), action, told)
        for path in sorted(Path(ROOT, "crm").rglob("*.py"))
        for action, told in notes(path.read_text())
    ]
    assert len(found) > 40, "the notes are found"
    assert [one for one in found if short(*one)] == []


def test_a_note_that_tells_nothing_is_found() -> None:
    text = """work.audit("task.completed", "task", 1, before={})
work.audit(f"{what}.dropped", "row", 2, before={})
work.audit("task.created", "task", 1)
work.audit("task.updated", "task", 1, before={}, after={})"""
    assert [short("crm/x.py", action, told) for action, told in notes(text)] == [
        True,
        False,
        True,
        False,
    ]
