"""The simulated centre against what is known of it: Erlang C, and the demo centre's mornings."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from routing import erlang
from routing.core.model import (
    DEFAULT_POLICIES,
    HOUR,
    MINUTE,
    SECOND,
    AgentConfig,
    CentreConfig,
    Channel,
    QueueConfig,
    WrapMode,
)
from routing.outlook import Line, Outlook
from routing.simulate import OPENS, centre, main, simulate, total
from routing.simulation import Figures, Manners, Simulation
from routing.traffic import DEFAULTS, HALF_HOUR, Arrival, Traffic

WARM_UP = HOUR
NIGHTLY = os.environ.get("NIGHTLY") == "1"


@dataclass(frozen=True, slots=True)
class Load:
    """Constant arrivals, exponential handling: what Erlang C is about."""

    calls: int  # a half hour
    handle_s: float
    agents: int
    within_s: int
    hours: int
    seeds: int

    def arrivals(self, dice: Random) -> Iterator[Arrival]:
        at = 0.0
        while True:
            at += dice.expovariate(self.calls / HALF_HOUR)
            if at >= self.hours * HOUR:
                return
            handle = int(dice.expovariate(1 / self.handle_s) * 1000)
            yield Arrival(int(at), Channel.VOICE, "q", None, handle, 0)

    def run(self, seed: int) -> tuple[Figures, float]:
        """The figures after the warm-up, and the run's own mean handle time in seconds."""
        policies = {
            channel: replace(policy, wrap=WrapMode.NONE)
            for channel, policy in DEFAULT_POLICIES.items()
        }
        agents = {f"a{n:02}": AgentConfig(f"a{n:02}") for n in range(self.agents)}
        day = Simulation(
            CentreConfig({"q": QueueConfig("q", policies=policies)}, agents),
            self.arrivals(Random(seed)),
            begin=0,
            end=self.hours * HOUR,
            seed=seed,
            manners=Manners(answer_s=(0.0, 0.0), patient=True),
        ).run()
        counted = [c.arrival.handle_ms for c in day.contacts if c.arrival.at >= WARM_UP]
        found = day.figures(Channel.VOICE, self.within_s * SECOND, WARM_UP, day.end)
        return found, statistics.mean(counted) / 1000


LOADS = [Load(30, 300, 8, 180, hours=21, seeds=12)]
if NIGHTLY:
    LOADS += [
        Load(100, 180, 14, 20, hours=21, seeds=24),
        Load(100, 180, 15, 20, hours=21, seeds=16),
        Load(250, 240, 40, 20, hours=21, seeds=32),
    ]


@pytest.mark.parametrize("load", LOADS, ids=str)
def test_it_agrees_with_erlang_c_within_two_points(load: Load) -> None:
    """Skills and patience off, instant answers. Each seed is an independent run after an
    hour's warm-up, held against the formula at the load that this very run had: calls and
    handle times vary more between runs than the router does. The tolerance is two points;
    three standard errors of the mean, from the spread between the runs, must fit in it, or
    the comparison would mean nothing."""
    off, busy = [], []
    for seed in range(load.seeds):
        found, handle_s = load.run(seed)
        assert found.abandoned == 0
        traffic = found.offered * handle_s / ((load.hours * HOUR - WARM_UP) / SECOND)
        expected = erlang.service_level(traffic, load.agents, handle_s, load.within_s)
        off.append(found.service_level - expected)
        busy.append(found.occupancy - erlang.occupancy(traffic, load.agents))
    error = statistics.stdev(off) / math.sqrt(load.seeds)
    assert 3 * error < 0.02, "too few runs to tell"
    assert abs(statistics.mean(off)) < 0.02
    assert abs(statistics.mean(busy)) < 0.01


def test_the_demo_centres_mornings_are_as_expected() -> None:
    """About 86 % in 20 s and 5 to 7 % abandoned, the 11:00 half hour about 79 % and 10 %;
    one morning's level spreads by some five points, so twenty leave about one."""
    config = centre(skills=False)
    assert len(config.agents) == 10
    days = [simulate(config, seed) for seed in range(1, 21)]
    morning = total(days, OPENS, OPENS + 5 * HOUR)
    assert morning.offered / 20 == pytest.approx(274, abs=12)  # Poisson: one deviation is 3.7
    assert morning.service_level == pytest.approx(0.86, abs=0.03)
    assert morning.abandonment == pytest.approx(0.055, abs=0.02)
    eleven = total(days, 11 * HOUR, 11 * HOUR + HALF_HOUR)
    assert eleven.service_level == pytest.approx(0.79, abs=0.07)
    assert eleven.abandonment == pytest.approx(0.10, abs=0.04)


def test_hail_is_felt() -> None:
    config = centre(skills=False)
    days = [simulate(config, seed, hail=True) for seed in range(1, 11)]
    eleven = total(days, 11 * HOUR, 11 * HOUR + HALF_HOUR)
    assert eleven.level_of_answered == pytest.approx(0.55, abs=0.12)
    assert eleven.abandonment == pytest.approx(0.22, abs=0.06)


def told(*, skills: bool) -> tuple[float, float, float]:
    """(mean wait told, mean wait that came true, share answered by then) of ten mornings in
    which nobody hangs up: of those who lose patience the longest waits would be missing."""
    config, end = centre(skills=skills), OPENS + 5 * HOUR
    pairs: list[tuple[int, int]] = []
    for seed in range(1, 11):
        arrivals = Traffic.demo().arrivals(Random(seed), OPENS, end, (Channel.VOICE,))
        day = Simulation(
            config, arrivals, begin=OPENS, end=end, seed=seed, manners=Manners(patient=True)
        ).run()
        pairs += day.told(Channel.VOICE)
    said, came = zip(*pairs, strict=True)
    by_then = sum(wait <= told for told, wait in pairs) / len(pairs)
    return statistics.mean(said), statistics.mean(came), by_then


@pytest.mark.parametrize(("skills", "within"), [(False, 0.15), (True, 0.3)])
def test_the_wait_that_is_told_comes_true(*, skills: bool, within: float) -> None:
    """The mean told is the mean that comes; waits are spread almost exponentially, so that
    1 - 1/e = 63 % are served by their mean. With steps a freed agent may not be the one."""
    said, came, by_then = told(skills=skills)
    assert said == pytest.approx(came, rel=within)
    assert by_then == pytest.approx(1 - 1 / math.e, abs=0.07)


def test_a_wait_that_forgets_the_other_queues_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def own(_: Outlook, other: Line, line: Line) -> float:
        return float(other == line)

    monkeypatch.setattr(Outlook, "_share", own)
    said, came, by_then = told(skills=False)
    assert said < 0.8 * came
    assert by_then < 1 - 1 / math.e - 0.07


def test_the_same_seed_gives_the_same_day() -> None:
    config = centre(skills=True, channels=tuple(Channel))
    first, second = (simulate(config, 3, 120, tuple(Channel)).contacts for _ in range(2))
    assert first == second
    assert first != simulate(config, 4, 120, tuple(Channel)).contacts


def test_nobody_is_lost_in_a_day() -> None:
    config = centre(skills=True, channels=tuple(Channel))
    day = simulate(config, 5, 180, tuple(Channel), hail=True)
    for contact in day.contacts:
        assert (contact.answered is None) != (contact.left is None), contact


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--days", "1", "--minutes", "60"], ["any skill", "9:00", "expected", "wait told"]),
        (["--days", "1", "--minutes", "60", "--hail"], ["hail", "with hail about"]),
        (
            ["--days", "1", "--minutes", "30", "--channels", "all", "--skills"],
            ["own skills", "whatsapp"],
        ),
    ],
)
def test_the_command(
    arguments: list[str], shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in shown), printed


def test_another_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = (DEFAULTS / "queues.toml").read_text(encoding="utf-8")
    policy = tmp_path / "new.toml"
    policy.write_text(tables.replace("for_s = 30", "for_s = 5"), encoding="utf-8")
    assert main(["--days", "1", "--minutes", "30", "--skills", "--policy", str(policy)]) == 0
    assert "expected" not in capsys.readouterr().out


@pytest.mark.parametrize("text", ["not toml at all [", "[[queues]]\nkey = 'A'\n", ""])
def test_a_policy_that_cannot_be_used(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "bad.toml"
    policy.write_text(text, encoding="utf-8")
    assert main(["--policy", str(policy)]) == 2
    assert "cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--days", "0"], ["--channels", "telex"], ["--minutes", "x"]])
def test_wrong_options(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(wrong)


def test_traffic_follows_its_tables() -> None:
    """400 days of one half hour: 34 calls of which 30 % are SA; a Poisson mean of 400 draws
    has a deviation of √(34/400) = 0.29, so 1.2 is four of them."""
    traffic = Traffic.demo()
    begin = 11 * HOUR - HALF_HOUR
    dice = Random(7)
    days = [
        list(traffic.arrivals(dice, begin, begin + HALF_HOUR, (Channel.VOICE,))) for _ in range(400)
    ]
    everybody = [arrival for day in days for arrival in day]
    assert len(everybody) / 400 == pytest.approx(34, abs=1.2)
    motor = [arrival for arrival in everybody if arrival.queue == "SA"]
    assert len(motor) / len(everybody) == pytest.approx(0.30, abs=0.02)
    assert statistics.mean(a.handle_ms for a in motor) == pytest.approx(420_000, rel=0.05)
    patience = [a.patience_ms for a in everybody if a.patience_ms is not None]
    assert len(patience) == len(everybody)
    hasty = sum(each < 5 * SECOND for each in patience) / len(patience)
    assert hasty == pytest.approx(0.03 + 0.97 * (1 - math.exp(-5 / 180)), abs=0.01)
    assert all(60 * SECOND <= a.wrap_ms <= 80 * SECOND for a in everybody)
    for day in days:
        assert [a.at for a in day] == sorted(a.at for a in day)
        assert all(begin <= a.at < begin + HALF_HOUR for a in day)


def test_hail_multiplies_the_claims_queues_only() -> None:
    at = 10 * HOUR + MINUTE
    usual, hail = Traffic.demo().rates(at), Traffic.demo(hail=True).rates(at)
    for (channel, queue), rate in usual.items():
        factor = 1.7 if queue in {"SA", "SH"} else 1.0
        assert hail[channel, queue] == pytest.approx(rate * factor)
    assert Traffic.demo().rates(3 * HOUR) == {}
