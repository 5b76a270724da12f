"""A recorded day through the router once more, held against days of which the truth is known."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contactcenter.__main__ import main
from routing import recorded
from routing.core.model import HOUR, MINUTE, SECOND, AgentConfig, CentreConfig, Channel
from routing.recorded import (
    RecordedAgent,
    RecordedContact,
    RecordedDay,
    RecordedQueue,
    contacts_of,
    shifts_of,
)
from routing.replay import Patience, as_it_was, changed, replayed
from routing.simulation import Manners, Simulation
from routing.traffic import Arrival

NINE, NOON = 9 * HOUR, 12 * HOUR
SA = RecordedQueue("SA", "SA", "longest_idle", {"channels": {"voice": {"wrap": "none"}}})
SKILL = {"SA": 3}


def arrivals(count: int, seed: int = 1) -> list[Arrival]:
    dice = Random(seed)
    times = sorted(dice.uniform(NINE, NOON) for _ in range(count))
    return [
        Arrival(
            int(at),
            Channel.VOICE,
            "SA",
            int(dice.expovariate(1 / 120) * SECOND),
            int(dice.expovariate(1 / 240) * SECOND),
            0,
        )
        for at in times
    ]


def truth(agents: int, came: Sequence[Arrival]) -> RecordedDay:
    """What would have been recorded of such a morning with so many agents."""
    queues = RecordedDay("2027-03-16", (SA,), (), ()).config().queues
    team = {f"a{n}": AgentConfig(f"a{n}", SKILL) for n in range(agents)}
    shifts = {name: [(NINE, NOON)] for name in team}
    manners = Manners(told=False, shifts=shifts)
    day = Simulation(
        CentreConfig(queues, team), came, begin=0, end=NOON, seed=9, manners=manners
    ).run()
    contacts = []
    for contact in day.contacts:
        at, handle_ms = contact.arrival.at, contact.arrival.handle_ms
        end = contact.left if contact.answered is None else contact.answered
        outcome = "abandoned" if contact.answered is None else "answered"
        assert end is not None
        contacts.append(
            RecordedContact(at, "voice", "SA", outcome, end - at, handle_ms, 0, contact.agent)
        )
    staff = (RecordedAgent(name, SKILL, 100, {}, n, ((NINE, NOON),)) for n, name in enumerate(team))
    return RecordedDay("2027-03-16", (SA,), tuple(staff), tuple(contacts))


def test_the_replay_of_a_day_is_like_the_day() -> None:
    day = truth(9, arrivals(400))
    was, again = as_it_was(day).lines["voice"], replayed(day, day.config()).lines["voice"]
    assert was.offered == again.offered == 400
    assert 0.3 < was.service_level < 0.9, "a day with some trouble in it"
    assert abs(was.service_level - again.service_level) < 0.06
    assert abs(was.abandonment - again.abandonment) < 0.04


@pytest.mark.parametrize("more", [1, 2])
def test_a_change_has_the_effect_that_it_would_have_had(more: int) -> None:
    """The truth with so many more is known, for the same customers: their patience is not."""
    came = arrivals(400)
    day, then = truth(8, came), as_it_was(truth(8 + more, came)).lines["voice"]
    other = changed(day, None, more, SKILL)
    before = replayed(day, day.config()).lines["voice"]
    after = replayed(other, other.config()).lines["voice"]
    assert after.service_level > before.service_level + 0.05
    assert abs(after.service_level - then.service_level) < 0.07
    assert abs(after.abandonment - then.abandonment) < 0.05


def test_the_same_day_gives_the_same_assignments() -> None:
    day = truth(8, arrivals(150))
    first, second = replayed(day, day.config()), replayed(day, day.config())
    assert first == second
    file = io.StringIO()
    day.write(file)
    assert recorded.parse(file.getvalue().splitlines()) == day
    fair = replace(day, queues=(replace(SA, strategy="fewest_calls"),))
    assert replayed(fair, fair.config()).digest != first.digest
    assert sum(first.agents.values()) == first.lines["voice"].answered


def test_patience_is_fitted_from_those_who_left_and_those_who_did_not() -> None:
    def came(outcome: str, wait_s: int, **more: Any) -> RecordedContact:
        return RecordedContact(0, "voice", "SA", outcome, wait_s * SECOND, 0, 0, **more)

    contacts = [came("answered", 10), came("answered", 50), came("abandoned", 60)]
    patience = Patience([*contacts, replace(came("answered", 900), channel="chat", message=True)])
    assert patience.mean_ms == {"voice": 120 * SECOND}  # 120 s waited in all, one left
    assert patience.of(contacts[2], Random(1)) == 60 * SECOND
    drawn = [patience.of(contacts[1], Random(n)) or 0 for n in range(2_000)]
    assert min(drawn) >= 50 * SECOND
    assert abs(sum(drawn) / len(drawn) - 170 * SECOND) < 10 * SECOND
    assert patience.of(replace(contacts[0], channel="email"), Random(1)) is None


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2027, 3, 16, hour, minute, second, tzinfo=UTC)


def test_shifts_are_when_somebody_was_there_and_took_work() -> None:
    def fact(kind: str, moment: datetime, **data: Any) -> dict[str, Any]:
        return {"type": kind, "subject": "a", "data": data, "occurred_at": moment}

    midnight = int(at(0).timestamp() * 1000)
    facts = [
        fact("agent.status_changed", at(0), status="available"),
        fact("agent.presence_changed", at(9), present=True),
        fact("agent.status_changed", at(11), status="away"),
        fact("agent.status_changed", at(11, 15), status="on_demand"),
        fact("agent.presence_changed", at(14), present=False),
        fact("agent.presence_changed", at(23), present=True),
    ]
    assert shifts_of(facts, midnight, 24 * HOUR) == {
        "a": ((9 * HOUR, 11 * HOUR), (11 * HOUR + 15 * MINUTE, 14 * HOUR), (23 * HOUR, 24 * HOUR))
    }


def test_what_flowed_over_is_one_contact_and_a_transfer_another() -> None:
    def visit(number: int, entry: str, entered: datetime, **more: Any) -> dict[str, Any]:
        return {
            "interaction_id": number, "queue": "SA", "channel": "voice", "entry": entry,
            "band": 2, "entered_at": entered, "outcome": None, "answered_at": None,
            "left_at": None, "agent_id": None, "talk_ms": None, "wrap_ms": None, **more,
        }  # fmt: skip

    answered = {"outcome": "answered", "answered_at": at(9, 5), "left_at": at(9, 5)}
    done = {**answered, "agent_id": "a", "talk_ms": 60_000, "wrap_ms": 5_000}
    visits = [
        visit(1, "new", at(9), outcome="moved", left_at=at(9, 3)),
        visit(1, "overflow", at(9, 3), queue="SH", **done),
        visit(1, "transfer", at(9, 6), outcome="abandoned", left_at=at(9, 7)),
        visit(2, "new", at(9, 30), outcome="callback", left_at=at(9, 31)),
        visit(3, "new", at(10), channel="chat", band=3),
    ]
    midnight = int(at(0).timestamp() * 1000)
    first, second, third, fourth = contacts_of(visits, midnight, midnight + 11 * HOUR)
    assert (first.queue, first.outcome, first.wait_ms, first.agent) == (
        "SA", "answered", 5 * MINUTE, "a",
    )  # fmt: skip
    assert (first.handle_ms, first.wrap_ms) == (60_000, 5_000)
    assert (second.outcome, second.wait_ms) == ("abandoned", MINUTE)
    assert (third.outcome, third.wait_ms) == ("other", MINUTE)
    assert (fourth.outcome, fourth.wait_ms, fourth.message) == ("waiting", HOUR, True)


def test_what_was_answered_and_queued_again_waits_anew() -> None:
    """An agent had it at 9:01 and was gone at 9:11; the next one had it at 9:14."""
    had = {"interaction_id": 1, "queue": "SA", "channel": "voice", "band": 2, "wrap_ms": 0}
    visits = [
        had | {
            "entry": entry, "entered_at": at(9, since), "outcome": outcome, "agent_id": agent,
            "answered_at": at(9, until), "left_at": at(9, until), "talk_ms": talk * MINUTE,
        }
        for entry, since, until, outcome, agent, talk in (
            ("new", 0, 1, "answered", "a", 10), ("requeue", 11, 14, "answered", "b", 2),
        )
    ]  # fmt: skip
    midnight = int(at(0).timestamp() * 1000)
    contacts = contacts_of(visits, midnight, midnight + 11 * HOUR)
    assert [(c.at, c.agent, c.outcome, c.wait_ms, c.handle_ms) for c in contacts] == [
        (9 * HOUR, "a", "answered", MINUTE, 10 * MINUTE),
        (9 * HOUR + 11 * MINUTE, "b", "answered", 3 * MINUTE, 2 * MINUTE),
    ]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "day.jsonl"
    with path.open("w", encoding="utf-8") as file:
        truth(6, arrivals(120)).write(file)
    assert main(["replay", str(path), "--more", "2", "--skills", "SA=4"]) == 0
    table = capsys.readouterr().out
    for word in ("120 contacts, 6 agents", "as it was", "replayed", "changed", "difference"):
        assert word in table
    assert main(["replay", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["as_it_was"]["lines"]["voice"]["offered"] == 120
    assert "changed" not in told
    policy = tmp_path / "policy.toml"
    policy.write_text('[[queues]]\nkey = "SA"\nskill = "SA"\nstrategy = "random"\n')
    assert main(["replay", str(path), "--policy", str(policy), "--json"]) == 0
    other = json.loads(capsys.readouterr().out)
    assert other["replayed"] == told["replayed"]
    assert other["changed"]["assignments"] != other["replayed"]["assignments"]


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("", ()),
        ("not json\n", ()),
        ('{"kind": "day", "day": "2027-02-30", "version": 1}\n', ()),
        ('{"kind": "day", "day": "2027-03-16", "version": 2}\n', ()),
        ('{"kind": "day", "day": "2027-03-16", "version": 1}\n{"kind": "queue"}\n', ()),
        ('{"kind": "day", "day": "2027-03-16", "version": 1}\n', ("--policy", "nowhere.toml")),
        (
            '{"kind": "day", "day": "2027-03-16", "version": 1}\n',
            ("--more", "1", "--skills", "XX=3"),
        ),
    ],
)
def test_what_cannot_be_replayed_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, more: tuple[str, ...]
) -> None:
    path = tmp_path / "day.jsonl"
    path.write_text(text)
    assert main(["replay", str(path), *more]) == 2
    error = capsys.readouterr().err
    assert error.startswith("This cannot be replayed: ")
    assert "Traceback" not in error
