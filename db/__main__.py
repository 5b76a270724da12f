"""`python -m db`: the schema, the demo data, backup and restore.

Without DATABASE_URL the command works on the embedded server under DATA_DIR: on the one that
runs, or on one that is started for as long as the command takes.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import db
from config.settings import Settings, SettingsError, load_settings
from db import backup, embedded, migrate

DROP_ALL = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"


class RefusedError(Exception):
    """The command is not for this system; the text is one sentence."""


CLEAR_ERRORS = (
    SettingsError,
    RefusedError,
    backup.BackupError,
    db.DatabaseUnavailableError,
    embedded.EmbeddedError,
    migrate.MigrationError,
)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m db", description="The centre's database.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="apply the migrations that are missing")
    down = commands.add_parser("down", help="roll back every migration newer than version N")
    down.add_argument("version", type=int, metavar="N")
    down.add_argument("--yes", action="store_true", help="really drop what they made, data too")
    commands.add_parser("status", help="show each migration and when it was applied")
    new = commands.add_parser("new", help="write the next, empty migration file")
    new.add_argument("name")
    commands.add_parser("seed", help="fill in the demo data; what is there stays")
    reset = commands.add_parser("reset", help="drop everything, migrate and seed anew")
    reset.add_argument("--yes", action="store_true", help="really drop everything")
    for name, text in (
        ("backup", "write the database to FILE"),
        ("restore", "fill an empty database from FILE"),
    ):
        commands.add_parser(name, help=text).add_argument("file", type=Path, metavar="FILE")
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "new":
            print(migrate.new(arguments.name))
            return 0
        settings = load_settings()
        _refuse(settings, arguments)
        with embedded.running(settings) as settings:
            asyncio.run(_run(settings, arguments))
    except CLEAR_ERRORS as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _refuse(settings: Settings, arguments: argparse.Namespace) -> None:
    if arguments.command in {"seed", "reset"} and settings.app.is_production:
        raise RefusedError(f"`db {arguments.command}` is not for APP_ENV=production.")
    if arguments.command == "reset" and not arguments.yes:
        raise RefusedError("`db reset` drops every table and all data: say `db reset --yes`.")
    if arguments.command == "down":
        if arguments.version < 0:
            raise RefusedError("`db down N` rolls back to version N: N is 0 or more.")
        if settings.app.is_production and not arguments.yes:
            raise RefusedError(
                "`db down` drops the tables that newer migrations made, with all data in them: "
                "back up, then say `db down N --yes`."
            )


async def _run(settings: Settings, arguments: argparse.Namespace) -> None:
    conn = await db.connect(settings, "contactcenter db")
    try:
        match arguments.command:
            case "up":
                await _up(conn)
            case "down":
                undone = await migrate.down(conn, migrate.read(), arguments.version)
                _tell("rolled back", undone)
            case "status":
                for state in await migrate.status(conn, migrate.read()):
                    when = f"{state.applied_at:%Y-%m-%d %H:%M:%S}Z" if state.applied_at else "-"
                    print(f"{state.migration.label:<40} {when}")
            case "seed":
                await seed(conn, settings)
            case "reset":
                await conn.execute(DROP_ALL)
                await _up(conn)
                await seed(conn, settings)
            case "backup":
                assert settings.database.url is not None
                backup.backup(settings.database.url, arguments.file)
                print(f"{arguments.file}: {arguments.file.stat().st_size:,} bytes")
            case "restore":
                assert settings.database.url is not None
                await backup.restore(conn, settings.database.url, arguments.file)
                print("restored; `db up` brings it to this code's version")
    finally:
        await conn.close()


async def _up(conn: db.Connection) -> None:
    _tell("applied", await migrate.up(conn, migrate.read()))


async def seed(conn: db.Connection, settings: Settings) -> None:
    """Fill in the demo data in one transaction. What is there already stays as it is."""
    from db import seeds  # reads files; only this command and the demo need it

    if any(state.applied_at is None for state in await migrate.status(conn, migrate.read())):
        raise RefusedError("Migrations are missing: run `python -m db up` first.")
    async with conn.transaction():
        rounds = settings.auth.bcrypt_rounds
        await seeds.run(conn, environment=settings.app.environment, rounds=rounds)


def _tell(done: str, migrations: Sequence[migrate.Migration]) -> None:
    for migration in migrations:
        print(f"{done} {migration.label}")
    if not migrations:
        print("nothing to do")


if __name__ == "__main__":
    sys.exit(main())
