"""The audit log: rows in the transaction of what they tell, the chain over them in log order.

Rows are written without a look at each other, so that audited work runs side by side; a durable
listener links them afterwards. A link is an HMAC over the link before it and over the row, sealed
fields as they are stored. `verify` walks the chain and finds any row that was changed, taken out,
put in or moved. What it cannot find by itself: that the newest rows were taken out together with
their links and events, or, by somebody who holds ENCRYPTION_KEYS, that a new chain was laid.
Against both, keep the head that `audit verify` prints somewhere else and give it the next time.

A row carries an HMAC of what it tells from the moment it is written, so that one which was changed
before it was linked does not pass for what was written. Rows older than these digests have none;
once one with a digest is linked, one without is a fault.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import Counter

import db
from contactcenter.core.audit import Asker, Note, Written, without_secrets
from contactcenter.core.durable import Listener
from contactcenter.core.event import Event
from contactcenter.core.eventlog import Recorded
from contactcenter.core.ids import new_id
from contactcenter.core.vault import Unopenable, Vault
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.customers import CustomerErased
from contactcenter.events.identity import AuditRecorded, PersonErased
from contactcenter.identity import audit_store as store
from contactcenter.identity.audit_store import Link, Row

log = structlog.get_logger(__name__)

DOUBTFUL = Counter(
    "audit_doubtful_rows_total", "Rows that were changed before they were linked, or put in"
)

LISTENER: Final = "identity.audit_chain"
CUSTOMER_KEYS: Final = "identity.customer_keys"
KEYS_CACHED: Final = 10_000
NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32
ROW: Final = "audit.row"
LINK: Final = "audit.link"
BARE_LINK: Final = "audit"
"""What HMACs are made for: a row, its link, and the link of a row without a digest."""
NOBODY: Final = UUID(int=0)
"""Whose key seals what belongs to no person: settings, roles."""


class AuditJournal:
    """Writes notes as rows of the audit log (core.audit.Journal)."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._keys: OrderedDict[UUID, AESGCM] = OrderedDict()

    async def prepare(
        self,
        conn: db.Connection,
        notes: Sequence[Note],
        *,
        actor: str,
        request: Asker | None,
        now: datetime,
    ) -> Written:
        user_id = _user_of(actor, request)
        persons = {user_id or NOBODY} if request is not None else set()
        persons |= {note.person or NOBODY for note in notes if note.before or note.after}
        keys = await self._keys_of(conn, persons, now)
        rows = [self._row(note, actor, user_id, request, keys, now) for note in notes]
        events: list[Event] = [AuditRecorded(audit_id=row[0]) for row in rows]
        return Written(events, *store.append(rows))

    def _row(
        self,
        note: Note,
        actor: str,
        user_id: UUID | None,
        request: Asker | None,
        keys: Mapping[UUID, AESGCM],
        now: datetime,
    ) -> store.Values:
        audit_id = new_id()
        origin = changes = None
        if request is not None:
            where = {"address": request.address, "user_agent": request.user_agent}
            origin = _seal(keys[user_id or NOBODY], where, f"audit_logs.origin/{audit_id}")
        if note.before or note.after:
            what = {"before": without_secrets(note.before), "after": without_secrets(note.after)}
            changes = _seal(keys[note.person or NOBODY], what, f"audit_logs.changes/{audit_id}")
        written = (
            audit_id,
            user_id,
            actor,
            note.action,
            note.resource_type,
            note.resource_id,
            note.person,
            origin,
            changes,
            now,
        )
        return (*written, self._vault.sign(ROW, _canonical(written)))

    async def _keys_of(
        self, conn: db.Connection, persons: set[UUID], now: datetime
    ) -> dict[UUID, AESGCM]:
        found = {person: self._keys[person] for person in persons if person in self._keys}
        if missing := persons - found.keys():
            fresh = {
                person: self._vault.seal(secrets.token_bytes(KEY_BYTES), _binding(person))
                for person in missing
            }
            for person, sealed, made in await store.keys_of(conn, fresh, now):
                found[person] = AESGCM(self._vault.open(sealed, _binding(person)))
                if not made:  # else remembered the next time, when it is committed
                    self._remember(person, found[person])
        if missing := persons - found.keys():
            for person, sealed in (await store.find_keys(conn, list(missing))).items():
                found[person] = AESGCM(self._vault.open(sealed, _binding(person)))
        return found

    def _remember(self, person: UUID, key: AESGCM) -> None:
        self._keys[person] = key
        if len(self._keys) > KEYS_CACHED:
            self._keys.popitem(last=False)

    async def forget(self, batch: list[Recorded]) -> None:
        """Drop the keys of persons who were erased (a live subscriber of the bus)."""
        for recorded in batch:
            if isinstance(recorded.event, PersonErased):
                self._keys.pop(recorded.event.person, None)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row with what could be opened of it."""

    row: Row
    user_name: str | None
    seq: int | None  # its place in the chain; None: not linked yet
    address: str | None
    user_agent: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    erased: bool  # something in it was sealed for a person who has been erased


class AuditReader:
    """Searches the log, and tells whether it is whole."""

    def __init__(self, work: WorkFactory, vault: Vault) -> None:
        self._work = work
        self._vault = vault

    async def search(self, *given: Any) -> list[Entry]:
        """As audit_store.search, opened."""
        async with self._work.reading("audit.search", snapshot=True) as conn:
            found = await store.search(conn, *given)
            persons = {row[name] or NOBODY for row in found for name in ("user_id", "person")}
            sealed = await store.find_keys(conn, list(persons))
        keys = {person: self._vault.open(key, _binding(person)) for person, key in sealed.items()}
        return [self._entry(record, keys) for record in found]

    async def verify(self, head: str | None) -> Verdict:
        """As `verify` below. Page by page, so that no transaction is long."""
        async with self._work.reading("audit.verify") as conn:
            return await verify(conn, self._vault, head)

    def _entry(self, record: db.Record, keys: Mapping[UUID, bytes]) -> Entry:
        row = Row(**{name: record[name] for name in Row.__slots__})
        origin = _open(keys.get(row.user_id or NOBODY), row.origin, f"audit_logs.origin/{row.id}")
        what = _open(keys.get(row.person or NOBODY), row.changes, f"audit_logs.changes/{row.id}")
        name = " ".join(filter(None, (record["first_name"], record["last_name"])))
        return Entry(
            row=row,
            user_name=name or record["email"],
            seq=record["seq"],
            address=(origin or {}).get("address"),
            user_agent=(origin or {}).get("user_agent"),
            before=(what or {}).get("before"),
            after=(what or {}).get("after"),
            erased=(origin is None) != (row.origin is None)
            or (what is None) != (row.changes is None),
        )


def chain(vault: Vault) -> Listener:
    """Links each row to the one before it, in the log's order."""

    async def link(work: Work, batch: Sequence[Recorded]) -> None:
        ids = [r.event.audit_id for r in batch if isinstance(r.event, AuditRecorded)]
        rows = await store.unlinked(work.conn, ids)
        last = await store.last_link(work.conn)
        seq, before = (0, b"") if last is None else (last.seq, last.hash)
        links = []
        for audit_id in ids:
            row = rows.get(audit_id)
            if row is None:  # linked already, or taken out before: `verify` says so
                continue
            if doubt := _doubt(vault, row):
                DOUBTFUL.inc()
                log.error("audit_row_doubtful", audit_id=str(row.id), doubt=doubt)
            seq, before = seq + 1, _link(vault, before, row)
            links.append(Link(seq, row.id, vault.current, before))
        await store.add_links(work.conn, links)

    async def link_one(work: Work, recorded: Recorded) -> None:
        await link(work, (recorded,))

    return Listener(LISTENER, (AuditRecorded,), link_one, link)


def customer_keys() -> Listener:
    """A customer was erased: what the log holds of them cannot be opened any more."""

    async def drop(work: Work, recorded: Recorded) -> None:
        assert isinstance(recorded.event, CustomerErased)
        for person in await store.drop_keys(work.conn, recorded.event.customer_id):
            work.emit(PersonErased(person=person))

    return Listener(CUSTOMER_KEYS, (CustomerErased,), drop)


@dataclass(slots=True)
class Verdict:
    """What walking the chain found."""

    links: int = 0
    undigested: int = 0  # of them, those whose row is older than digests
    head: str = ""  # seq:hash of the last link
    faults: list[str] = field(default_factory=list)


async def verify(conn: db.Connection, vault: Vault, head: str | None = None) -> Verdict:
    """Walk the chain. `head` is one that an earlier walk gave: it must still be in it."""
    verdict = Verdict()
    before, head_seen, digests = b"", head is None, False
    async for link, row in store.links(conn):
        verdict.links += 1
        if link.seq != verdict.links:
            verdict.faults.append(f"{verdict.links}: a link is missing")
            verdict.links = link.seq
        if row is None:
            verdict.faults.append(f"{link.seq}: the row {link.audit_id} is missing")
        else:
            try:
                right = _link(vault, before, row, link.key_name)
            except Unopenable:
                right = b""
                verdict.faults.append(f"{link.seq}: the key {link.key_name} is not there")
            older = row.digest is None and not digests
            digests = not older
            verdict.undigested += older
            if right and right != link.hash:
                verdict.faults.append(f"{link.seq}: the row {row.id} or its place was changed")
            elif right and not older and (doubt := _doubt(vault, row)):
                verdict.faults.append(f"{link.seq}: the row {row.id} {doubt}")
        before = link.hash
        verdict.head = f"{link.seq}:{link.hash.hex()}"
        head_seen = head_seen or verdict.head == head
    verdict.faults += [
        f"{name}: not in the chain" for name in await store.unchained(conn, LISTENER)
    ]
    if not head_seen:
        verdict.faults.append("the given head is not in the chain")
    return verdict


def _doubt(vault: Vault, row: Row) -> str:
    """What speaks against a row's being what was written; "" if nothing."""
    if row.digest is None:
        return "has no digest"
    try:
        same = vault.signed(row.digest, ROW, _canonical(row.written()))
    except Unopenable:
        return "has a digest whose key is not there"
    return "" if same else "was changed before it was linked"


def _link(vault: Vault, before: bytes, row: Row, key_name: str | None = None) -> bytes:
    """The hash of the row's link after this one. Raises Unopenable."""
    if row.digest is None:
        return vault.mac(BARE_LINK, before + _canonical(row.written(), none=b"\0" * 4), key_name)
    return vault.mac(LINK, before + _canonical(row.written()) + row.digest, key_name)


def _canonical(written: store.Written, none: bytes = b"\xff" * 4) -> bytes:
    """Every field of the row, in one order and with its length; `none` for one that is NULL."""
    return b"".join(
        none if value is None else len(value).to_bytes(4, "big") + value
        for value in map(_bytes, written)
    )


def _bytes(value: str | bytes | UUID | datetime | None) -> bytes | None:
    match value:
        case str():
            return value.encode()
        case UUID():
            return value.bytes
        case datetime():
            return value.astimezone(UTC).isoformat().encode()
    return value


def _user_of(actor: str, request: Asker | None) -> UUID | None:
    if request is not None and request.user_id is not None:
        return request.user_id
    kind, _, name = actor.partition(":")
    return db.Uuid(name) if kind == "user" else None


def _binding(person: UUID) -> str:
    return f"person_keys/{person}"


def _seal(key: AESGCM, value: Mapping[str, Any], bound_to: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    text = orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z)
    return nonce + key.encrypt(nonce, text, bound_to.encode())


def _open(key: bytes | None, sealed: bytes | None, bound_to: str) -> dict[str, Any] | None:
    if key is None or sealed is None:
        return None
    try:
        text = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
    except InvalidTag:
        return None
    opened: dict[str, Any] = orjson.loads(text)
    return opened
