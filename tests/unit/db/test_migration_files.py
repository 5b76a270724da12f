from __future__ import annotations

from pathlib import Path

import pytest

from db import migrate
from db.migrate import MigrationError

GOOD = "-- migrate:up\nCREATE TABLE a ();\n\n-- migrate:down\nDROP TABLE a;\n"


def write(folder: Path, name: str, text: str = GOOD) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_holds_both_directions(tmp_path: Path) -> None:
    m = migrate.parse(write(tmp_path, "0001_first_table.sql"))
    assert (m.version, m.name, m.label) == (1, "first_table", "0001_first_table")
    assert (m.up.sql, m.down.sql) == ("CREATE TABLE a ();", "DROP TABLE a;")
    assert m.up.in_transaction
    assert m.down.in_transaction


def test_a_direction_may_leave_the_transaction(tmp_path: Path) -> None:
    text = GOOD.replace("migrate:up", "migrate:up transaction:false")
    m = migrate.parse(write(tmp_path, "0001_a.sql", text))
    assert not m.up.in_transaction
    assert m.down.in_transaction


def test_a_preamble_is_a_comment(tmp_path: Path) -> None:
    m = migrate.parse(write(tmp_path, "0001_a.sql", f"-- Why this is so.\n\n{GOOD}"))
    assert m.up.sql == "CREATE TABLE a ();"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CREATE TABLE a ();",
        "-- migrate:up\nSELECT 1;",
        "-- migrate:down\nSELECT 1;\n-- migrate:up\nSELECT 1;",
        "-- migrate:up\n-- migrate:down\nSELECT 1;",
        "-- migrate:up\nSELECT 1;\n-- migrate:down\n",
        GOOD + GOOD,
    ],
)
def test_a_file_without_both_directions_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MigrationError, match="0001_a"):
        migrate.parse(write(tmp_path, "0001_a.sql", text))


@pytest.mark.parametrize("name", ["1_a.sql", "0001_A.sql", "0001-a.sql", "0001_.sql", "x.sql"])
def test_a_wrong_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MigrationError, match="NNNN"):
        migrate.parse(write(tmp_path, name))


def test_files_are_read_in_order_and_no_version_stands_twice(tmp_path: Path) -> None:
    for name in ("0010_c.sql", "0002_b.sql", "0001_a.sql"):
        write(tmp_path, name)
    assert [m.version for m in migrate.read(tmp_path)] == [1, 2, 10]
    write(tmp_path, "0002_other.sql")
    with pytest.raises(MigrationError, match="0002_b and 0002_other have the same version"):
        migrate.read(tmp_path)


def test_the_digest_is_of_the_text(tmp_path: Path) -> None:
    one = migrate.parse(write(tmp_path, "0001_a.sql"))
    other = migrate.parse(write(tmp_path, "0001_a.sql", GOOD + "-- more\n"))
    assert one.digest != other.digest


def test_new_writes_the_next_number(tmp_path: Path) -> None:
    write(tmp_path, "0001_a.sql")
    path = migrate.new("Add  Claims!", tmp_path)
    assert path.name == "0002_add_claims.sql"
    with pytest.raises(MigrationError, match="must say something"):
        migrate.read(tmp_path)
    with pytest.raises(MigrationError, match="needs a name"):
        migrate.new("!!", tmp_path)


def test_the_repositorys_own_files_read() -> None:
    assert migrate.read()[0].label == "0001_ground"
