"""What an idle socket costs: growth of the server's resident memory with 1,000 of them."""

from __future__ import annotations

from tests.bench._report import Baseline, report
from tests.bench._sockets import Kind, peer

AREA = "realtime"
SOCKETS = 1000
RUNS = 3


def kb_per_socket(kind: Kind) -> float:
    with peer("_socket_server", kind) as server:
        port = server.hear()["port"]
        with peer("_socket_crowd", str(port), "50") as few:
            few.hear()  # what the first ones load stays out of the figure
            before = server.ask("memory")["kb"]
            with peer("_socket_crowd", str(port), str(SOCKETS)) as crowd:
                crowd.hear()
                return float((server.ask("memory")["kb"] - before) / SOCKETS)


def main() -> None:
    ours, stock = [], []
    for _ in range(RUNS):
        ours.append(kb_per_socket("ours"))
        stock.append(kb_per_socket("stock"))
    report("realtime.kb_per_socket", ours, "kB", "lower", Baseline("python-socketio", stock))
