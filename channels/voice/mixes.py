"""What the media is told to make audible: the pure mix of a call as orders."""

from __future__ import annotations

from uuid import UUID

from channels.voice.call import Call, mix
from channels.voice.media.protocol import Hear, RecordingOrder


def orders(call: Call) -> tuple[dict[UUID, Hear], RecordingOrder | None]:
    """Each leg's ear, and the tape, of a call as it is now."""
    wanted = mix(call)
    customers = {leg.id for leg in call.customers}  # an agent's browser may wait until it is needed
    legs = {
        leg_id: Hear(hears=tuple(sorted(hears.legs)), tone=hears.tone, sends=leg_id in customers)
        for leg_id, hears in wanted.legs.items()
    }
    tape = wanted.tape
    if tape is None:
        return legs, None
    return legs, RecordingOrder(
        recording_id=tape.id,
        left=tuple(sorted(tape.left)),
        right=tuple(sorted(tape.right)),
        writing=tape.writing,
        notice=True,
    )
