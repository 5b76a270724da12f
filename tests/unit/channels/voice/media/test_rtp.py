from __future__ import annotations

import random

import pytest
from aiortc.rtp import RtcpPacket, RtcpRrPacket, RtcpSdesPacket, RtcpSrPacket
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.media import rtp
from channels.voice.media.rtp import Reception, ReportBlock


def test_reports_are_understood_by_another_implementation() -> None:
    block = ReportBlock(7, 25, -3, 0x1_0005, 12, 99, 65536)
    data = rtp.report(5, "leg", block, (1 << 40, 160, 10, 1600))
    sender, names = RtcpPacket.parse(data)
    assert isinstance(sender, RtcpSrPacket)
    assert isinstance(names, RtcpSdesPacket)
    assert (sender.ssrc, sender.sender_info.packet_count) == (5, 10)
    assert (sender.reports[0].packets_lost, sender.reports[0].fraction_lost) == (-3, 25)
    assert names.chunks[0].items == [(1, b"leg")]
    receiver, _ = RtcpPacket.parse(rtp.report(5, "leg", block, None))
    assert isinstance(receiver, RtcpRrPacket)


@given(
    st.builds(
        ReportBlock,
        st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(-(2**23), 2**23 - 1),
        st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1),
    )
)  # fmt: skip
def test_a_report_comes_back(block: ReportBlock) -> None:
    (sender,) = rtp.parse_reports(rtp.report(1, "x" * 36, block, (5, 6, 7, 8)))
    assert sender == rtp.SenderReport(1, 5, (block,))
    (receiver,) = rtp.parse_reports(rtp.report(1, "", block, None))
    assert receiver == rtp.ReceiverReport(1, (block,))


@given(st.binary(max_size=200))
def test_garbage_says_nothing_wrong(data: bytes) -> None:
    list(rtp.parse_reports(data))


@given(st.binary(min_size=12, max_size=200))
def test_a_payload_lies_within_its_packet(data: bytes) -> None:
    bounds = rtp.payload_bounds(memoryview(data), len(data))
    assert bounds is None or 12 <= bounds[0] < bounds[1] <= len(data)


def test_loss_is_counted_over_the_wrap() -> None:
    stream = Reception()
    for number in range(65_500, 65_700):
        if number % 10:
            stream.add(number & 0xFFFF, number * 160, number * 0.02)
    assert (stream.received, stream.lost) == (180, 19)  # the first one was lost unseen
    block = stream.block(1, 0.0)
    assert block.fraction_lost == 256 * 19 // 199
    assert block.highest == 65_699
    assert stream.block(1, 0.0).fraction_lost == 0


def test_reordered_packets_are_not_lost() -> None:
    stream = Reception()
    for number in (1, 3, 2, 5, 4):
        stream.add(number, number * 160, number * 0.02)
    assert stream.lost == 0


def test_a_jump_is_a_new_stream() -> None:
    stream = Reception()
    for number in (*range(10), *range(30_000, 30_010)):
        stream.add(number, number * 160, number * 0.02)
    assert stream.lost == 0


def test_jitter_is_the_smoothed_change_of_transit() -> None:
    steady, shaken, dice = Reception(), Reception(), random.Random(1)
    for number in range(1000):
        steady.add(number, number * 160, 5 + number * 0.02)
        shaken.add(number, number * 160, 5 + number * 0.02 + dice.uniform(0, 0.03))
    assert steady.jitter_ms < 0.2
    assert shaken.jitter_ms == pytest.approx(10, abs=3)  # the mean of |a - b| is a third of 30 ms


def test_the_round_trip() -> None:
    sent = rtp.ntp_time(1_800_000_000.0)
    block = ReportBlock(1, 0, 0, 0, 0, sent >> 16 & 0xFFFF_FFFF, 65536 // 2)
    assert block.round_trip(rtp.ntp_time(1_800_000_000.75)) == pytest.approx(0.25, abs=1e-3)
    assert ReportBlock(1, 0, 0, 0, 0, 0, 0).round_trip(sent) is None


def test_an_answer_to_no_report_of_ours_is_not_believed() -> None:
    block = ReportBlock(1, 0, 0, 0, 0, 12345, 0)
    assert block.round_trip(rtp.ntp_time(1_800_000_000)) is None
