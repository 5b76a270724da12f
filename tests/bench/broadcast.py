"""Broadcasts to a room of 1,000 sockets: deliveries for each second of the server's CPU.

Ours and stock python-socketio take turns in one run, each in a process of its own, the clients in
others; one client is the unmodified JavaScript one. tests/integration/realtime/test_transport.py
holds back-pressure.
"""

from __future__ import annotations

from tests.bench._report import Baseline, report
from tests.bench._sockets import room

AREA = "realtime"
SOCKETS = 1000
BROADCASTS = {"ours": 200, "stock": 30}
PAYLOAD_BYTES = 250
RUNS = 5


def main() -> None:
    with room("ours", SOCKETS) as ours, room("stock", SOCKETS) as stock:
        ours.deliveries_per_cpu_second(20, PAYLOAD_BYTES)
        stock.deliveries_per_cpu_second(5, PAYLOAD_BYTES)
        fast, slow = [], []
        for _ in range(RUNS):
            fast.append(ours.deliveries_per_cpu_second(BROADCASTS["ours"], PAYLOAD_BYTES))
            slow.append(stock.deliveries_per_cpu_second(BROADCASTS["stock"], PAYLOAD_BYTES))
    report(
        "realtime.broadcast_per_cpu_second",
        fast,
        "deliveries/s",
        "higher",
        Baseline("python-socketio", slow),
    )
