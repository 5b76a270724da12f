"""The router as a pure function of its inputs: no clock, no dice, no I/O.

Begin with `engine`, which states the rules. `inputs` are the facts and requests that go in,
`decisions` what comes out, `model` the words both are written in, `explanation` the record
that each assignment leaves.

    engine = Engine(config, seed, new_id)
    engine.load(snapshot, now)                       # at start, or after a persist that failed
    decisions = engine.step(inputs, now)             # persist all of it, or discard the engine
    engine.next_deadline()                           # when to step again without an input
    engine.line(queue, now)                          # ids of the waiting items, first to last

`now` is an integer, milliseconds since the epoch; `new_id() -> str` gives ids for the rows
that the engine begins (reservations, segments, visits).
"""
