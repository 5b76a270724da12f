"""Workflows that a centre was seeded with, and what a newer seed says of them."""

from __future__ import annotations

from typing import Any, Final

import db
from contactcenter.core.ids import new_id
from db import migrate
from db.seeds.history import WORKFLOWS
from tests.integration.crm.conftest import Office

INSERT: Final = """
WITH w AS (
    INSERT INTO workflows (id, name, trigger_type, trigger_config, steps, version, created_by,
                           updated_by, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now(), now()) RETURNING id, version, steps
)
INSERT INTO workflow_versions (workflow_id, version, steps, created_at)
SELECT id, version, steps, now() FROM w
"""


def as_seeded_once(steps: Any) -> Any:
    """As they were before a company was greeted by its name."""
    if isinstance(steps, str):
        return steps.replace("greeting_name", "first_name")
    if isinstance(steps, dict):
        return {name: as_seeded_once(each) for name, each in steps.items()}
    return [as_seeded_once(each) for each in steps] if isinstance(steps, list | tuple) else steps


async def test_those_that_nobody_touched_are_as_a_new_centre_s(
    office: Office, conn: db.Connection
) -> None:
    migrations = migrate.read()
    number = next(each.version for each in migrations if each.name == "greeting")
    await migrate.down(conn, migrations, number - 1)
    elena = office.people["elena"].user_id
    by_whom = {"seeded": (1, None, None), "changed": (2, None, elena), "own": (1, elena, None)}
    ids = {}
    for flow in WORKFLOWS:
        for who, (version, made_by, changed_by) in by_whom.items():
            ids[flow["name"], who] = new_id()
            await conn.execute(
                INSERT, ids[flow["name"], who], flow["name"], flow["trigger_type"],
                flow["trigger_config"], as_seeded_once(flow["steps"]), version, made_by, changed_by,
            )  # fmt: skip
    await migrate.up(conn, migrations)
    for flow in WORKFLOWS:
        new, old = list(flow["steps"]), as_seeded_once(flow["steps"])
        for who, (version, _, _) in by_whom.items():
            turned = who == "seeded" and new != old
            card = await office.do("elena", "GET", f"/workflows/{ids[flow['name'], who]}")
            assert card["steps"] == (new if turned else old), (flow["name"], who)
            assert card["version"] == (2 if turned else version)
            kept = await conn.fetch(
                "SELECT version, steps FROM workflow_versions WHERE workflow_id = $1"
                " ORDER BY version", ids[flow["name"], who],
            )  # fmt: skip
            first = [(version, old)]
            assert [tuple(row) for row in kept] == first + ([(2, new)] if turned else [])
    assert sum(as_seeded_once(flow["steps"]) != list(flow["steps"]) for flow in WORKFLOWS) == 3
