"""Who hears whom, as gain matrices: one vectorised pass per 20 ms over every mixed room.

For a room with frames X (inputs × samples) and gains G (outputs × inputs, 0 or 1), the outputs are
G X, clipped when they are encoded. Rooms of one shape are multiplied together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from channels.voice.media.ulaw import FRAME

Frames = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Room:
    """Rows of the input and output frames that belong together, and their gains."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    gains: tuple[tuple[float, ...], ...]


class Plan:
    """Rooms made ready for mixing; build a new one when a mix changes."""

    def __init__(self, rooms: Iterable[Room], outputs: int) -> None:
        self._outputs = outputs
        shapes: dict[tuple[int, int], list[Room]] = defaultdict(list)
        for room in rooms:
            if room.inputs and room.outputs:
                shapes[len(room.outputs), len(room.inputs)].append(room)
        self._batches = [
            (
                np.array([room.inputs for room in group]),
                np.array([room.outputs for room in group]),
                np.array([room.gains for room in group], np.float32),
            )
            for group in shapes.values()
        ]

    def mix(self, frames: Frames) -> Frames:
        """Outputs × samples of inputs × samples. A row that no room names is silent."""
        mixed = np.zeros((self._outputs, FRAME), np.float32)
        for inputs, outputs, gains in self._batches:
            mixed[outputs] = np.matmul(gains, frames[inputs])
        return mixed


def room(hears: Sequence[tuple[int, Iterable[int]]]) -> Room:
    """A room from (output row, input rows that it hears)."""
    inputs = tuple(sorted({row for _, heard in hears for row in heard}))
    gains = tuple(tuple(float(row in set(heard)) for row in inputs) for _, heard in hears)
    return Room(inputs, tuple(output for output, _ in hears), gains)
