"""`python -m contactcenter`: the commands. Each imports what it needs when it runs."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import importlib
import importlib.util
import json
import runpy
import sys
from collections.abc import Sequence

import db
from config import logging
from config.settings import Settings, SettingsError, load_settings
from contactcenter.core.errors import Problem
from db import embedded, migrate

ROLES = ("web", "router", "listeners", "jobs", "demo")
SERVE_ROLES = ("web", "router", "listeners", "jobs")
WORKER_ROLES = ("listeners", "jobs")
CLEAR_ERRORS = (
    SettingsError,
    db.DatabaseUnavailableError,
    embedded.EmbeddedError,
    migrate.MigrationError,
)


def main(argv: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["simulate"]:  # it reads its own arguments, and needs no settings
        return int(importlib.import_module("routing.simulate").main(given[1:]) or 0)
    if given[:1] == ["replay"]:  # as well; a file alone needs none either
        return int(importlib.import_module("routing.replay").main(given[1:]))
    arguments = _parser().parse_args(given)
    try:
        return _run(arguments)
    except CLEAR_ERRORS as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m contactcenter", description="The centre.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="run the centre, or some of its roles")
    serve.add_argument("--roles", type=_roles, default=SERVE_ROLES, metavar=",".join(ROLES))
    commands.add_parser("worker", help="run listeners and jobs only")
    commands.add_parser("media", help="carry the sound of calls, beside `serve`")
    demo = commands.add_parser("demo", help="run everything here, with demo data and traffic")
    demo.add_argument("--traffic", type=float, metavar="X", help="X times the usual arrivals")
    commands.add_parser("simulate", help="route invented traffic on a virtual clock")
    commands.add_parser("replay", help="route a recorded day once more, and with changes")
    bench = commands.add_parser("bench", help="measure one area; one JSON line per figure")
    bench.add_argument("name", nargs="?", metavar="AREA")
    commands.add_parser("check", help="tell whether this system is fit to serve")
    init = commands.add_parser("init", help="a new centre's queues, name and first administrator")
    init.add_argument("--name", metavar="NAME", help="what customers read: the centre's name")
    init.add_argument("--admin", metavar="ADDRESS", help="print this administrator's invitation")
    events = commands.add_parser("events", help="events that a listener could not take")
    what = events.add_subparsers(dest="what", required=True, metavar="WHAT")
    what.add_parser("parked", help="list them, one JSON line each")
    what.add_parser("retry", help="have one tried again").add_argument("id", type=int, metavar="ID")
    audit = commands.add_parser("audit", help="the audit log")
    verify = audit.add_subparsers(dest="what", required=True, metavar="WHAT").add_parser(
        "verify", help="tell whether any row was changed, taken out, put in or moved"
    )
    verify.add_argument("--head", metavar="SEQ:HASH", help="one that an earlier run printed")
    return parser


def _roles(text: str) -> tuple[str, ...]:
    roles = tuple(role.strip() for role in text.split(",") if role.strip())
    if not roles or not set(roles) <= set(ROLES):
        raise argparse.ArgumentTypeError(f"known roles are {', '.join(ROLES)}")
    return roles


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "bench":
        return _bench(arguments.name)
    settings = load_settings()
    match arguments.command:
        case "serve":
            return _serve(settings, arguments.roles)
        case "worker":
            return _serve(settings, WORKER_ROLES)
        case "media":
            logging.configure(settings)
            return int(importlib.import_module("channels.voice.media.process").main(settings))
        case "demo":
            supervisor = importlib.import_module("contactcenter.supervisor")
            return int(supervisor.main(settings, traffic=arguments.traffic))
        case "check":
            return int(importlib.import_module("contactcenter.check").main(settings))
        case "init":
            prepare = importlib.import_module("contactcenter.prepare")
            with embedded.running(settings) as running:
                wanted = prepare.main(running, name=arguments.name, admin=arguments.admin)
                return int(asyncio.run(wanted))
    does = _audit if arguments.command == "audit" else _events
    with embedded.running(settings) as running:
        return asyncio.run(does(running, arguments))


async def _audit(settings: Settings, arguments: argparse.Namespace) -> int:
    audit = importlib.import_module("contactcenter.identity.audit")
    vault = importlib.import_module("contactcenter.core.vault").Vault(settings.auth.keyring)
    conn = await db.connect(settings, "contactcenter audit")
    try:
        verdict = await audit.verify(conn, vault, arguments.head)
    finally:
        await conn.close()
    for fault in verdict.faults:
        print(fault, file=sys.stderr)
    told = {"rows": verdict.links, "undigested": verdict.undigested, "head": verdict.head}
    print(json.dumps({**told, "intact": not verdict.faults}))
    return 1 if verdict.faults else 0


def _serve(settings: Settings, roles: Sequence[str]) -> int:
    logging.configure(settings)
    app = importlib.import_module("contactcenter.app")
    with embedded.running(settings) as running:
        return int(app.main(running, roles=frozenset(roles)) or 0)


async def _events(settings: Settings, arguments: argparse.Namespace) -> int:
    durable = importlib.import_module("contactcenter.core.durable")
    conn = await db.connect(settings, "contactcenter events")
    try:
        if arguments.what == "parked":
            for event in await durable.parked(conn):
                print(json.dumps(dataclasses.asdict(event), default=str))
        else:
            await durable.retry(conn, arguments.id)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    finally:
        await conn.close()
    return 0


def _bench(name: str | None) -> int:
    if importlib.util.find_spec("tests") is None:
        print("`bench` runs from a clone of the repository.", file=sys.stderr)
        return 1
    if importlib.util.find_spec("pytest") is None:
        print("`bench` needs the development packages: `make bench` brings them.", file=sys.stderr)
        return 1
    sys.argv = ["tests.bench", *([name] if name else [])]
    runpy.run_module("tests.bench", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
