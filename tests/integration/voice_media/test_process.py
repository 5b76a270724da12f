"""The process around the sound: lost legs, reports kept, admission, garbage, ports."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from channels.voice.media import emodel, protocol
from channels.voice.media.protocol import (
    MAX_LINE,
    CallOverload,
    Hear,
    IceCandidate,
    IceServer,
    LegBack,
    LegCandidate,
    LegClose,
    LegConnected,
    LegEnded,
    LegLost,
    LegMeasured,
    LegOffer,
    LegPlay,
    Quality,
    ReportsAck,
    StatsRequest,
)
from tests.integration.voice_media.conftest import Call
from tests.integration.voice_media.media import Media, RefusedError, Web
from tests.integration.voice_media.party import Party

CUSTOMER, AGENT = 900.0, 1300.0


def of(party: Party) -> Callable[[Any], bool]:
    """Reports of the party's leg."""
    return lambda report: bool(report.leg_id == party.leg_id)


async def talk(web: Web, a: Party, b: Party) -> UUID:
    call_id = uuid4()
    await web.mix(call_id, 1, {a.leg_id: ([b.leg_id], None), b.leg_id: ([a.leg_id], None)})
    return call_id


# Vanishing and quality ---------------------------------------------------------------------------


async def test_three_seconds_without_a_packet_are_told_and_so_is_the_return(
    web: Web, call: Call
) -> None:
    customer, agent = await asyncio.gather(call(CUSTOMER), call(AGENT))
    idle, mute, listener = await asyncio.gather(call(2100), call(2200), call(2300))
    for party in (idle, mute, listener):
        party.tone.stopped = True  # in no call: not watched
    await talk(web, customer, agent)
    await web.report(Quality, of(customer))  # it has been heard
    customer.tone.stopped = True
    lost = await web.report(LegLost)
    assert lost.leg_id == customer.leg_id
    assert customer.tone.sent_at is not None
    assert lost.at - customer.tone.sent_at >= timedelta(seconds=2.99)
    customer.tone.stopped = False
    back = await web.report(LegBack)
    assert back.leg_id == customer.leg_id
    assert back.seq > lost.seq
    assert len([r for r in web.reports if isinstance(r, LegLost)]) == 1
    # Nobody is to hear them: only who is expected to send is missed.
    music = {leg.leg_id: Hear(tone="music", sends=leg is mute) for leg in (mute, listener)}
    await web.ask(protocol.CallMix(id=0, call_id=uuid4(), version=1, legs=music))
    missed = await web.report(LegLost, lambda r: r is not lost)
    assert missed.leg_id == mute.leg_id
    await web.report(Quality, lambda r: of(listener)(r) and r.at > missed.at)  # looked at since
    assert len([r for r in web.reports if isinstance(r, LegLost)]) == 2


async def test_a_leg_that_is_silent_is_not_lost(web: Web, call: Call) -> None:
    """The negative control: muted browsers send silence."""
    customer, agent = await asyncio.gather(call(CUSTOMER), call(AGENT))
    customer.tone.muted = True
    await talk(web, customer, agent)
    with pytest.raises(TimeoutError):
        await web.report(LegLost, within=4)


async def test_quality_is_told_every_two_seconds(web: Web, call: Call) -> None:
    customer, agent = await asyncio.gather(call(CUSTOMER), call(AGENT))
    call_id = await talk(web, customer, agent)
    first = await web.report(Quality, of(agent))
    second = await web.report(Quality, lambda r: of(agent)(r) and r.at > first.at)
    assert second.at - first.at > timedelta(seconds=1)
    last = await web.report(  # the round trip: by reports sent and answered
        Quality, lambda r: of(agent)(r) and r.at >= second.at and r.rtt_ms is not None, within=20
    )
    assert last.call_id == call_id
    assert last.loss == 0
    delay = emodel.one_way_delay_ms(last.rtt_ms, last.jitter_ms)
    assert last.mos == pytest.approx(emodel.mos(0, delay), abs=0.02)
    assert last.level == pytest.approx(6000 / 32124, abs=0.02)
    assert all(r.seq is None for r in web.reports if isinstance(r, Quality))


async def measured(web: Web, call_id: UUID, leg_id: UUID) -> LegMeasured:
    found: LegMeasured = await web.report(
        LegMeasured, lambda r: (r.call_id, r.leg_id) == (call_id, leg_id)
    )
    return found


async def test_each_call_of_a_leg_is_measured_for_itself(web: Web, call: Call) -> None:
    """An agent's leg outlives its calls; what is told of each is of that call alone."""
    agent, first, second = await asyncio.gather(call(AGENT), call(CUSTOMER), call(2100))
    told = {}
    for customer, seconds in ((first, 2.5), (second, 0.5)):
        call_id = await talk(web, agent, customer)
        await asyncio.sleep(seconds)
        await web.end(call_id)
        told[customer] = {
            leg.leg_id: await measured(web, call_id, leg.leg_id) for leg in (agent, customer)
        }
    long, short = told[first][agent.leg_id].stats, told[second][agent.leg_id].stats
    assert long.packets_in > 2 * short.packets_in > 0
    assert long.packets_out > 2 * short.packets_out > 0
    assert long.lost == short.lost == 0
    for report in (r for by_leg in told.values() for r in by_leg.values()):
        assert report.seq is not None
        assert report.stats.mos is not None
        assert 1 <= report.stats.mos <= 4.5


async def test_a_browser_that_closes_is_told_with_its_statistics(web: Web, call: Call) -> None:
    customer, agent = await asyncio.gather(call(CUSTOMER), call(AGENT))
    await talk(web, customer, agent)
    await asyncio.sleep(1)
    await customer.hang_up()
    ended = await web.report(LegEnded, within=2)
    assert (ended.leg_id, ended.reason) == (customer.leg_id, "dtls_closed")
    assert ended.stats.packets_in >= 40
    assert ended.stats.packets_out >= 40
    assert ended.stats.lost == 0


async def test_a_closed_leg_is_told(web: Web, call: Call) -> None:
    customer = await call(CUSTOMER)
    await web.ask(LegClose(id=0, leg_id=customer.leg_id))
    await web.ask(LegClose(id=0, leg_id=customer.leg_id))  # unknown now: fine
    ended = await web.report(LegEnded)
    assert ended.reason == "closed"


# Reports kept ------------------------------------------------------------------------------------


async def test_reports_wait_for_web_and_come_in_order() -> None:
    media = Media().start()
    try:
        web = await media.web()
        parties = [Party(web, 900.0 + 100 * i) for i in range(4)]
        await asyncio.gather(*(party.call() for party in parties))
        await web.report(LegConnected, lambda r: r.seq == 4)
        await web.ask(ReportsAck(id=0, seq=2))
        await web.close()
        for party in parties:
            await party.hang_up()  # nobody listens
        await asyncio.sleep(0.5)
        web = await media.web()
        await web.report(LegEnded, lambda r: r.seq == 8)
        assert [r.seq for r in web.reports] == [3, 4, 5, 6, 7, 8]
        await web.close()
        media.kill()
        media.start()
        web = await media.web()
        await web.report(LegEnded, lambda r: r.seq == 8)
        seqs = [r.seq or 0 for r in web.reports]
        assert seqs == sorted(seqs)
        assert {3, 4, 5, 6, 7, 8} <= set(seqs)
        party = Party(web, 900)
        await party.call()
        fresh = await web.report(LegConnected, lambda r: r.leg_id == party.leg_id)
        assert fresh.seq == 9  # numbers never repeat
        await party.hang_up()
        await web.close()
    finally:
        media.end()


# Admission, ports --------------------------------------------------------------------------------


async def test_above_the_ceiling_a_new_call_is_busy_and_the_others_go_on() -> None:
    media = Media(MEDIA_MAX_CALLS="2").start()
    try:
        web = await media.web()
        a, b = Party(web, CUSTOMER), Party(web, AGENT)
        await asyncio.gather(a.call(), b.call())
        first = await talk(web, a, b)
        second = uuid4()
        await web.mix(second, 1, {})
        told = await web.report(CallOverload)
        assert (told.reached, told.ceiling, told.live_calls) == (True, 2, 2)
        with pytest.raises(RefusedError, match="busy"):
            await web.mix(uuid4(), 1, {})
        await web.mix(first, 2, {a.leg_id: ([b.leg_id], None), b.leg_id: ([a.leg_id], None)})
        assert (await a.listen()).has(AGENT)
        known = uuid4()  # web had been promised a place for it before media restarted
        await web.ask(protocol.CallMix(id=0, call_id=known, version=7, legs={}, admitted=True))
        await web.end(known)
        await web.end(second)
        assert not (await web.report(CallOverload, lambda r: not r.reached)).reached
        await web.mix(uuid4(), 1, {})
        await web.close()
        for party in (a, b):
            await party.hang_up()
    finally:
        media.end()


async def test_a_mix_may_end_by_itself(web: Web, call: Call) -> None:
    agent = await call(AGENT)
    echo = {agent.leg_id: Hear(hears=(agent.leg_id,))}
    request = protocol.CallMix(id=0, call_id=agent.leg_id, version=1, legs=echo, seconds=3)
    await web.ask(request)
    assert (await web.ask(StatsRequest(id=0))).calls == 1
    async with asyncio.timeout(10):
        while (await web.ask(StatsRequest(id=0))).calls:
            await asyncio.sleep(0.05)


async def test_ports_come_from_the_range_and_a_used_up_range_is_unavailable() -> None:
    media = Media(MEDIA_UDP_PORTS="45210-45211").start()
    try:
        web = await media.web()
        parties = [Party(web, 900.0 + 100 * i) for i in range(3)]
        for party in parties[:2]:
            await party.call()
        answers = [party.pc.remoteDescription.sdp for party in parties[:2]]
        assert sorted(int(a.split("a=candidate:")[1].split()[5]) for a in answers) == [45210, 45211]
        with pytest.raises(RefusedError, match="unavailable: no UDP port of 45210-45211 is free"):
            await parties[2].call()
        await parties[0].hang_up()
        await web.report(LegEnded)
        await asyncio.sleep(0.2)
        fourth = await Party(web, 1500).call()
        await web.close()
        for party in (*parties, fourth):
            await party.hang_up()
    finally:
        media.end()


async def test_a_public_address_stands_in_the_answer() -> None:
    media = Media(MEDIA_PUBLIC_IP="203.0.113.7").start()
    try:
        web = await media.web()
        party = Party(web, 900)
        answer = await web.offer(party.leg_id, await party.offer())
        hosts = {line.split()[4] for line in answer.splitlines() if line.startswith("a=candidate:")}
        assert hosts <= {"203.0.113.7", "127.0.0.1"}
        await web.close()
        await party.hang_up()
    finally:
        media.end()


# Bad input ---------------------------------------------------------------------------------------


async def test_bad_requests_are_refused_by_code(web: Web, call: Call) -> None:
    party = Party(web, 900)
    offer = await party.offer()
    leg = uuid4()
    no_pcmu = "\r\n".join(line for line in offer.splitlines() if "PCMU" not in line) + "\r\n"
    garbage = ["v=0", "hello", offer[: len(offer) // 3], offer.replace("a=ice-pwd", "a=no-pwd")]
    for sdp, code in [
        (no_pcmu, "unsupported"),
        *((text, "invalid|unsupported") for text in garbage),
    ]:
        with pytest.raises(RefusedError, match=code):
            await web.offer(leg, sdp)
    candidate = IceCandidate(candidate="candidate:nonsense", sdp_mid="0")
    for request, code in (
        (LegCandidate(id=0, leg_id=uuid4(), candidate=None), "not_found"),
        (LegPlay(id=0, leg_id=uuid4(), sound="notice"), "not_found"),
        (LegCandidate(id=0, leg_id=(await call(900)).leg_id, candidate=candidate), "invalid"),
    ):
        with pytest.raises(RefusedError, match=code):
            await web.ask(request)
    with pytest.raises(RefusedError, match="conflict"):  # in no call
        await web.ask(LegPlay(id=0, leg_id=(await call(900)).leg_id, sound="notice"))
    await party.hang_up()


async def test_a_second_offer_while_one_is_pending_is_a_conflict(web: Web) -> None:
    first, second = Party(web, 900), Party(web, 1000)
    leg = uuid4()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:  # a TURN server that is down
        silent.bind(("127.0.0.1", 0))
        turn = IceServer(
            urls=(f"turn:127.0.0.1:{silent.getsockname()[1]}",), username="u", credential="c"
        )
        slow = LegOffer(id=0, leg_id=leg, sdp=await first.offer(), ice_servers=(turn,))
        pending = asyncio.create_task(web.ask(slow))
        await asyncio.sleep(0.2)
        with pytest.raises(RefusedError, match="conflict"):
            await web.offer(leg, await second.offer())
        await web.ask(LegClose(id=0, leg_id=leg))  # and while it is pending it may be closed
        with pytest.raises(RefusedError, match="not_found"):
            await pending
    for party in (first, second):
        await party.hang_up()


async def test_a_wrong_fingerprint_ends_the_leg_and_nobody_else(web: Web, call: Call) -> None:
    customer, agent = await asyncio.gather(call(CUSTOMER), call(AGENT))
    await talk(web, customer, agent)
    impostor = Party(web, 2100)
    offer = await impostor.offer()
    wrong = "\r\n".join(
        line[:-2] + ("00" if line[-2:] != "00" else "11")
        if line.startswith("a=fingerprint") else line
        for line in offer.splitlines()
    ) + "\r\n"  # fmt: skip
    await impostor.answered(await web.offer(impostor.leg_id, wrong))
    ended = await web.report(LegEnded, lambda r: r.leg_id == impostor.leg_id)
    assert ended.reason == "dtls_closed"
    assert not [
        r for r in web.reports if isinstance(r, LegConnected) and r.leg_id == impostor.leg_id
    ]
    assert (await customer.listen()).has(AGENT)
    await impostor.hang_up()


@pytest.mark.parametrize(
    "line",
    [b"garbage\n", b"{}\n", b"\xff\xfe\x00\n", b'{"id": 4, "do": "drop"}\n', b"[" * 1000 + b"\n"],
)
async def test_garbage_on_the_socket_is_answered_and_survived(media: Media, line: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(media.socket)
    writer.write(line + protocol.encode(StatsRequest(id=9)))
    refused = json.loads(await asyncio.wait_for(reader.readline(), 5))
    assert (refused["ok"], refused["code"]) == (False, "invalid")
    assert refused["id"] == (4 if b"drop" in line else None)
    assert json.loads(await asyncio.wait_for(reader.readline(), 5))["id"] == 9
    writer.close()


async def test_a_line_without_end_is_cut_off(media: Media) -> None:
    reader, writer = await asyncio.open_unix_connection(media.socket)
    writer.write(b"x" * (MAX_LINE + 1_000))
    assert b"too long" in await asyncio.wait_for(reader.readline(), 5)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


def test_the_socket_is_its_owners_alone(media: Media) -> None:
    assert media.socket.stat().st_mode & 0o777 == 0o600


def test_a_second_media_process_says_why_it_cannot_start(media: Media) -> None:
    second = Media(MEDIA_SOCKET=str(media.socket))
    code, told = second.fails()
    assert code == 1
    assert told == f"a media process already runs on {media.socket}: stop that one first.\n"
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(media.socket))  # the first goes on


def test_a_socket_path_that_is_too_long_is_one_sentence() -> None:
    code, told = Media(MEDIA_SOCKET=f"/tmp/{'x' * 120}").fails()
    assert code == 1
    assert "too long a path" in told
    assert told.count("\n") == 1


def test_no_leftover_of_the_tests_before_is_open(media: Media) -> None:
    links = Path(f"/proc/{media.pid}/fd").iterdir()
    sockets = [link for link in links if str(link.readlink()).startswith("socket:")]
    assert len(sockets) < 40
