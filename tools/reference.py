"""docs/API.md and docs/access.md from the tables that run: `python -m tools.reference`.

Nothing is started and no database is looked at: the house is built and its tables are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import db
from config.settings import load_settings
from contactcenter import app
from contactcenter.core import openapi
from contactcenter.core.access import PUBLIC, ROLE_PERMISSIONS, UNVERIFIED, Permission
from contactcenter.core.clock import SystemClock
from contactcenter.core.http import Route
from contactcenter.core.privacy import TableRule
from contactcenter.core.sockets import Command
from contactcenter.realtime.snapshot import Centre
from tools.reach import reach_of

DOCS: Final = Path(__file__).parents[1] / "docs"
API: Final = DOCS / "API.md"
ACCESS: Final = DOCS / "access.md"
SERVER: Final = "http://127.0.0.1:8080"
KEY: Final = "docs:" + "A" * 43 + "="
ENVIRON: Final = {
    "JWT_SECRET": "x" * 32,
    "JWT_REFRESH_SECRET": "y" * 32,
    "ENCRYPTION_KEYS": KEY,
    "DEMO": "true",
    "GOOGLE_CLIENT_ID": "x",
    "MICROSOFT_CLIENT_ID": "x",
    "MICROSOFT_TENANT": "x",
    "OIDC_CLIENT_ID": "x",
    "OIDC_ISSUER": "https://issuer.example",
    "OIDC_NAME": "any other provider",
}
ROLES: Final = tuple(ROLE_PERMISSIONS)


def house() -> app.House:
    """A development system with all providers; nothing of it runs."""
    settings = load_settings(ENVIRON)
    return app.build(settings, cast("db.Pool", None), SystemClock(), Centre("", "Europe/Madrid"))


def privacy_rules() -> list[TableRule]:
    """What each table holds of a person, by all rooms."""
    return [rule for module in house().modules for rule in module.privacy]


def tables() -> tuple[list[Route], list[Command]]:
    """Every route and every socket command."""
    modules = house().modules
    routes = [route for module in modules for route in module.routes]
    commands = [command for module in modules for command in module.commands]
    return routes, sorted(commands, key=lambda command: (command.namespace, command.name))


def may(role: str, permission: Permission) -> bool:
    """Whether the built-in role has the permission; `nobody` and `unverified` are roles here."""
    if permission is PUBLIC:
        return True
    if role == "nobody":
        return False
    return permission in (UNVERIFIED if role == "unverified" else ROLE_PERMISSIONS[role])


# docs/access.md ----------------------------------------------------------------------------------


def access_page() -> str:
    routes, commands = tables()
    roles = ("nobody", "unverified", *ROLES)
    lines = [
        "# Who may do what",
        "",
        "Made by `python -m tools.reference` from the tables of routes and commands; a test sends",
        "a request for every cell of it. `nobody` is not signed in; `unverified` is anybody whose",
        "address is not verified yet. Custom roles are made from the same permissions.",
        "",
        "A user's rights can be limited to queues and teams. Whatever lies outside of them does",
        "not exist for that user: it is left out of lists and of live screens, and 404 answers its",
        "id. An agent's skills, not these limits, say what routing offers: what is taken in such a",
        "way is seen by whoever has a part in it, and nothing else of its queue is.",
        "",
        "## Permissions",
        "",
        *_matrix("permission", roles, [(str(p), p) for p in Permission if p is not PUBLIC]),
        "",
        "`chat.use` belongs to the visitor of one conversation, by its token.",
        "",
        "## Routes",
        "",
        "`reach`: what lies behind the route's id. An `agent` of another team, and an",
        "`interaction`, `conversation`, `contact`, `call` or `recording` of another queue, is",
        "hidden from whoever is limited; a `queue` is written, a `team` and a `user` are seen",
        "within one's limits; of a `portfolio` whoever is not of its team sees what the",
        "conversation at hand needs, writes in one's own tasks, and takes or completes",
        "nobody's; a `visitor` has the one conversation of the token;",
        "`centre`: the same for everybody; skills, calendars, new queues and results of every",
        "queue are changed by nobody who is limited.",
        "",
        "What a claim, quote, letter, task or interaction of a health or life line says is read by",
        "whoever writes in the customer's file, with the customer on the line once the identity",
        "gate is passed, by whoever handles it, and by whoever has the interaction in hand; others",
        "see `•••`, and take no such task. `audit.read` shows what was changed in every file.",
        "",
        *_matrix(
            "route",
            roles,
            [(f"{r.method} {r.path}", r.permission) for r in _sorted(routes)],
            {f"{r.method} {r.path}": reach_of(r.method, r.path) for r in routes},
        ),
        "",
        "## Socket commands",
        "",
        *_matrix("command", roles, [(f"{c.namespace} {c.name}", c.permission) for c in commands]),
    ]
    return "\n".join(lines) + "\n"


def _matrix(
    what: str,
    roles: Iterable[str],
    rows: Iterable[tuple[str, Permission]],
    reach: Mapping[str, str] | None = None,
) -> list[str]:
    roles = list(roles)
    heads = roles if reach is None else ["reach", *roles]
    lines = [f"| {what} | {' | '.join(heads)} |", f"|---|{':-:|' * len(heads)}"]
    for name, permission in rows:
        cells = [] if reach is None else [reach[name]]
        cells += ["✓" if may(role, permission) else "" for role in roles]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return lines


def _sorted(routes: Iterable[Route]) -> list[Route]:
    return sorted(routes, key=lambda route: (route.path, route.method))


# docs/API.md -------------------------------------------------------------------------------------


def api_page() -> str:
    routes, _ = tables()
    document = openapi.document(_sorted(routes), SERVER)
    schemas = document["components"]["schemas"]
    lines = [
        "# The HTTP interface",
        "",
        "Made by `python -m tools.reference` from the OpenAPI document that the server answers at",
        "`/api/openapi.json`; a test holds the two together. Examples are made from the schemas.",
        "",
        "Send `Authorization: Bearer ACCESS_TOKEN` unless it says that anybody may call. Lists",
        "answer `{items, next_cursor}` and take `limit` and `cursor`. A POST that creates honours",
        "`Idempotency-Key`. Every answer carries `X-Request-Id`.",
        "",
        "## Errors",
        "",
        "Problem documents (RFC 9457) with `code`, `request_id` and, for 422, `errors`.",
        "",
        "| status | code | when |",
        "|---|---|---|",
    ]
    for problem in document["x-problems"]:
        when = " ".join(str(problem["about"]).split("\n\n")[0].split())
        lines.append(f"| {problem['status']} | `{problem['code']}` | {when} |")
    by_tag: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            by_tag.setdefault(operation["tags"][0], []).extend(
                _operation(method, path, operation, schemas)
            )
    for tag in sorted(by_tag):
        lines += ["", f"## {tag.capitalize()}", *by_tag[tag]]
    return "\n".join(lines) + "\n"


def _operation(
    method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]
) -> list[str]:
    permission = operation["x-permission"]
    who = "anybody" if permission == "public" else f"`{permission}`"
    lines = ["", f"### {method.upper()} {path}", "", f"{operation['summary']}. Who: {who}.", ""]
    for parameter in operation["parameters"]:
        if parameter["in"] != "path":
            needed = "required" if parameter["required"] else "optional"
            kind = _kind(parameter["schema"])
            lines.append(f"- `{parameter['name']}` ({parameter['in']}, {needed}): {kind}")
    if "requestBody" in operation:
        ((medium, content),) = operation["requestBody"]["content"].items()
        if medium == "application/json":
            lines += ["", *_example(content["schema"], schemas)]
        else:
            lines += ["", f"The body is `{medium}`."]
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        if status < "400":
            lines += ["", f"**{status}** {answer['description']}"]
            if "application/json" in content:
                lines += ["", *_example(content["application/json"]["schema"], schemas)]
            elif content:
                lines[-1] += f", as `{next(iter(content))}`"
    codes = [status for status in operation["responses"] if status >= "400"]
    lines += ["", f"Errors: {', '.join(codes)}."]
    return lines


def _kind(schema: dict[str, Any]) -> str:
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    return " or ".join(
        " ".join(map(str, option["enum"]))
        if "enum" in option
        else str(option.get("format") or option.get("type") or "object")
        for option in options
    )


def _example(schema: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    text = json.dumps(example(schema, schemas), indent=2, ensure_ascii=False)
    return ["```json", *text.splitlines(), "```"]


EXAMPLES: Final[dict[str, Any]] = {
    "uuid": "01985b6e-3c1f-7a2b-9d4e-5f6a7b8c9d0e",
    "date-time": "2027-03-16T09:00:00Z",
    "date": "2027-03-16",
    "email": "ana@example.com",
}
NAMED: Final[dict[str, Any]] = {
    "email": "ana@example.com",
    "address": "ana@example.com",
    "phone": "+34612345678",
    "first_name": "Ana",
    "last_name": "García",
    "password": "Tr4mvía-azul",
    "new_password": "Tr4mvía-azul",
    "current_password": "Tr4mvía-azul",
    "code": "123456",
    "role": "agent",
    "locale": "es",
    "queue": "SA",
    "name": "Ana García",
}


def example(schema: dict[str, Any], schemas: dict[str, Any], name: str = "", depth: int = 0) -> Any:
    """A value that fits the schema as it is read by people; not every pattern is kept."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas, name, depth)
    for word in ("const", "default", "examples"):
        if word in schema and schema[word] is not None:
            return schema[word][0] if word == "examples" else schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            real = [option for option in schema[word] if option.get("type") != "null"]
            return example(real[0], schemas, name, depth) if real else None
    return _example_of_kind(schema, schemas, name, depth)


def _example_of_kind(schema: dict[str, Any], schemas: dict[str, Any], name: str, depth: int) -> Any:
    match schema.get("type"):
        case "object" if depth > 5:
            return {}
        case "object":
            return {
                key: example(field, schemas, key, depth + 1)
                for key, field in schema.get("properties", {}).items()
            }
        case "array":
            items = schema.get("items", {})
            return [] if depth > 5 or not items else [example(items, schemas, name, depth + 1)]
        case "integer":
            return schema.get("minimum", 1)
        case "number":
            return float(schema.get("minimum", 1))
        case "boolean":
            return True
        case "string":
            return EXAMPLES.get(schema.get("format", ""), NAMED.get(name, "…"))
    return None


def main() -> None:
    API.write_text(api_page(), encoding="utf-8")
    ACCESS.write_text(access_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
