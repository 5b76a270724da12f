"""Who hears what, by frequency: every mix that the call model makes, with real peers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from channels.voice.media import protocol, tones
from channels.voice.media.protocol import LegConnected, LegEnded, LegPlay
from tests.integration.voice_media.conftest import Call
from tests.integration.voice_media.media import Media, Web
from tests.integration.voice_media.party import Party

CUSTOMER, AGENT, COLLEAGUE = 900.0, 1300.0, 1900.0


@dataclass
class State:
    """One mix, and what each party must hear: tones of the others, a tone of ours, or nothing."""

    name: str
    hears: Mapping[str, tuple[str, protocol.Tone | None]]
    expected: Mapping[str, set[float]] = field(default_factory=dict)


# Parties: c(ustomer), a(gent), d (a colleague). "ad" hears a and d.
STATES = [
    State("waiting", {"c": ("", "music")}),
    State("ringing", {"c": ("", "ring"), "a": ("", None)}),
    State("talking", {"c": ("a", None), "a": ("c", None)}, {"c": {AGENT}, "a": {CUSTOMER}}),
    State("muted", {"c": ("", None), "a": ("c", None)}, {"a": {CUSTOMER}}),
    State("hold", {"c": ("", "music"), "a": ("", None)}),
    State("resumed", {"c": ("a", None), "a": ("c", None)}, {"c": {AGENT}, "a": {CUSTOMER}}),
    State(
        "consult",
        {"c": ("", "music"), "a": ("d", None), "d": ("a", None)},
        {"a": {COLLEAGUE}, "d": {AGENT}},
    ),
    State(
        "toggled",
        {"c": ("a", None), "a": ("c", None), "d": ("", "music")},
        {"c": {AGENT}, "a": {CUSTOMER}},
    ),
    State(
        "conference",
        {"c": ("ad", None), "a": ("cd", None), "d": ("ca", None)},
        {"c": {AGENT, COLLEAGUE}, "a": {CUSTOMER, COLLEAGUE}, "d": {CUSTOMER, AGENT}},
    ),
    State("transferred", {"c": ("d", None), "d": ("c", None)}, {"c": {COLLEAGUE}, "d": {CUSTOMER}}),
    State(
        "a tone over it", {"c": ("a", "ring"), "a": ("c", None)}, {"c": {AGENT}, "a": {CUSTOMER}}
    ),
    State("echo", {"a": ("a", None)}, {"a": {AGENT}}),
]


async def put(web: Web, call_id: UUID, version: int, state: State, who: dict[str, Party]) -> None:
    legs = {
        who[name].leg_id: ([who[other].leg_id for other in others], tone)
        for name, (others, tone) in state.hears.items()
    }
    assert await web.mix(call_id, version, legs) == version


async def check(state: State, who: dict[str, Party]) -> None:
    tone = {name: tone for name, (_, tone) in state.hears.items()}
    seconds = 1.0 if "ring" in tone.values() else 0.6
    sounds = await asyncio.gather(*(party.listen(seconds) for party in who.values()))
    for name, sound in zip(who, sounds, strict=True):
        expected = state.expected.get(name, set())
        for hz in (CUSTOMER, AGENT, COLLEAGUE):
            says = f"{state.name}: {name} at {hz} Hz: {sound.amplitude(hz):.0f}"
            assert sound.has(hz) if hz in expected else sound.lacks(hz), says
        match tone.get(name):
            case "music":
                assert sound.music, f"{state.name}: {name} has no music"
            case "ring":
                assert sound.amplitude(tones.PROGRESS_HZ) > 500, f"{state.name}: {name}"
            case None if not expected:
                assert not sound.loud, f"{state.name}: {name} hears something"


async def test_every_state_of_a_call_in_turn(web: Web, call: Call) -> None:
    connected = await asyncio.gather(call(CUSTOMER), call(AGENT), call(COLLEAGUE))
    who = dict(zip("cad", connected, strict=True))
    call_id = uuid4()
    for version, state in enumerate(STATES):
        await put(web, call_id, version, state, who)
        await check(state, who)
    await web.end(call_id)
    await check(State("ended", {}), who)


async def test_the_matrix_finds_a_wrong_mix(web: Web, call: Call) -> None:
    """The negative control: hold that forgot to take the customer's ear away."""
    who = dict(zip("ca", await asyncio.gather(call(CUSTOMER), call(AGENT)), strict=True))
    await put(web, uuid4(), 1, State("wrong", {"c": ("a", "music"), "a": ("", None)}), who)
    with pytest.raises(AssertionError, match="hold: c at 1300"):
        await check(next(s for s in STATES if s.name == "hold"), who)


async def test_an_older_mix_changes_nothing(web: Web, call: Call) -> None:
    who = dict(zip("ca", await asyncio.gather(call(CUSTOMER), call(AGENT)), strict=True))
    talking = next(s for s in STATES if s.name == "talking")
    call_id = uuid4()
    await put(web, call_id, 5, talking, who)
    assert await web.mix(call_id, 4, {who["c"].leg_id: ([], "music")}) == 5
    await check(talking, who)


async def test_two_calls_do_not_hear_each_other(web: Web, call: Call) -> None:
    a, b, c = await asyncio.gather(call(CUSTOMER), call(AGENT), call(COLLEAGUE))
    d = await call(2300)
    for one, other in ((a, b), (c, d)):
        await web.mix(
            uuid4(), 1, {one.leg_id: ([other.leg_id], "ring"), other.leg_id: ([one.leg_id], None)}
        )
    sounds = await asyncio.gather(*(party.listen() for party in (a, b, c, d)))
    heard = [{hz for hz in (CUSTOMER, AGENT, COLLEAGUE, 2300) if s.has(hz)} for s in sounds]
    assert heard == [{AGENT}, {CUSTOMER}, {2300}, {COLLEAGUE}]


async def test_after_a_reload_the_new_page_takes_over(web: Web, call: Call) -> None:
    customer, agent = await asyncio.gather(call(CUSTOMER), call(AGENT))
    call_id = uuid4()
    await web.mix(
        call_id, 1,
        {customer.leg_id: ([agent.leg_id], None), agent.leg_id: ([customer.leg_id], None)},
    )  # fmt: skip
    assert (await customer.listen()).has(AGENT)
    reloaded = await call(COLLEAGUE, agent.leg_id)  # the same leg says another tone
    gone = await web.report(LegEnded, lambda r: r.leg_id == agent.leg_id)
    assert gone.reason == "replaced"
    assert gone.stats.packets_in > 20
    heard, back = await asyncio.gather(customer.listen(), reloaded.listen())
    assert heard.has(COLLEAGUE)
    assert heard.lacks(AGENT)
    assert back.has(CUSTOMER)


async def test_a_leg_negotiated_after_the_mix_joins_it(web: Web, call: Call) -> None:
    customer = await call(CUSTOMER)
    agent_leg = uuid4()
    await web.mix(
        uuid4(), 1, {customer.leg_id: ([agent_leg], None), agent_leg: ([customer.leg_id], None)}
    )
    assert not (await customer.listen()).loud
    agent = await call(AGENT, agent_leg)
    await web.report(LegConnected, lambda r: r.leg_id == agent_leg)
    heard, back = await asyncio.gather(customer.listen(), agent.listen())
    assert heard.has(AGENT)
    assert back.has(CUSTOMER)


async def test_web_may_go_and_the_talk_goes_on(media: Media, web: Web, call: Call) -> None:
    customer, agent = await asyncio.gather(call(CUSTOMER), call(AGENT))
    call_id = uuid4()
    mix: dict[UUID, tuple[list[UUID], protocol.Tone | None]] = {
        customer.leg_id: ([agent.leg_id], None),
        agent.leg_id: ([customer.leg_id], None),
    }
    await web.mix(call_id, 3, mix)
    await web.close()
    assert (await customer.listen()).has(AGENT)
    other = Web(media.socket)
    hello = await other.connect()
    assert (call_id, 3) in [(known.call_id, known.version) for known in hello.calls]
    assert {leg.leg_id for leg in hello.legs if leg.call_id == call_id} == set(mix)
    assert await other.mix(call_id, 3, mix) == 3  # resent: nothing changes
    assert (await agent.listen()).has(CUSTOMER)
    await other.close()


async def test_short_sounds(web: Web, call: Call) -> None:
    customer, agent = await asyncio.gather(call(CUSTOMER), call(AGENT))
    await web.mix(
        uuid4(), 1,
        {customer.leg_id: ([agent.leg_id], None), agent.leg_id: ([customer.leg_id], None)},
    )  # fmt: skip
    await customer.listen(0.2)

    async def hears(seconds: float, *frequencies: float) -> None:
        listening = asyncio.create_task(customer.listen(seconds, 0))
        heard = await listening
        assert all(heard.amplitude(hz) > 300 for hz in frequencies), frequencies

    for sound, digits, frequencies in (
        ("notice", None, (tones.NOTICE_HZ,)),
        ("dtmf", "5", tones.DTMF["5"]),
        ("dtmf", "#9", (*tones.DTMF["#"], *tones.DTMF["9"])),
    ):
        request = LegPlay.model_validate(
            {"id": 0, "leg_id": customer.leg_id, "sound": sound, "digits": digits}
        )
        await web.ask(request)
        await hears(0.6, *frequencies)
        after = await customer.listen(0.4)
        assert after.has(AGENT)
        assert all(after.amplitude(hz) < 100 for hz in frequencies)
