"""Sound in the browser tests: a microphone that plays one tone, and an ear that measures.

Every voice is a browser of its own whose microphone is a file with one sine, so what a page hears
says who is heard. The ear looks at the spectrum of the newest remote track, in the page.
"""

from __future__ import annotations

import math
import struct
import time
import wave
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import Page

CUSTOMER, AGENT, COLLEAGUE = 620, 1030, 1570
VOICES = (CUSTOMER, AGENT, COLLEAGUE)
MUSIC = (174.61, 196.0, 220.0, 246.94, 261.63, 329.63)
"""The notes of the music on hold (channels/voice/media/tones.py)."""

LOUD_DB, QUIET_DB = -55.0, -75.0
"""Heard is above the one, not heard below the other; between them nothing is decided."""

WINDOW_MS = 1_300
"""Longer than a bar of the music, so that a pause in it is no silence."""
PATIENCE_SECONDS = 12.0

EAR = """
(() => {
  const Native = window.RTCPeerConnection;
  window.ear = { track: null, context: null, analyser: null };
  window.RTCPeerConnection = class extends Native {
    constructor(...options) {
      super(...options);
      this.addEventListener("track", ({ track }) => {
        window.ear.track = track;
        window.ear.analyser = null;
      });
    }
  };
  const ask = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
  // A pure tone is what a noise filter takes away.
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const heard = (wanted) => ask({ audio: { ...wanted.audio, ...plain } });
  if (ask) navigator.mediaDevices.getUserMedia = heard;
  window.hears = async (hertz, ms) => {
    const ear = window.ear;
    if (!ear.track) return null;
    ear.context ??= new AudioContext({ sampleRate: 48000 });
    await ear.context.resume();
    if (!ear.analyser) {
      ear.analyser = ear.context.createAnalyser();
      ear.analyser.fftSize = 16384;
      ear.analyser.smoothingTimeConstant = 0;
      ear.context.createMediaStreamSource(new MediaStream([ear.track])).connect(ear.analyser);
      await new Promise((done) => setTimeout(done, 350));
    }
    const bins = new Float32Array(ear.analyser.frequencyBinCount);
    const loudest = hertz.map(() => -200);
    for (const end = performance.now() + ms; performance.now() < end; ) {
      ear.analyser.getFloatFrequencyData(bins);
      hertz.forEach((one, i) => {
        const at = Math.round((one * ear.analyser.fftSize) / ear.context.sampleRate);
        loudest[i] = Math.max(loudest[i], bins[at - 1], bins[at], bins[at + 1]);
      });
      await new Promise((done) => setTimeout(done, 60));
    }
    return loudest;
  };
})();
"""


def tone_file(folder: Path, hertz: int) -> Path:
    """A WAV of one sine, in whole periods, for Chromium's fake microphone."""
    path = folder / f"tone-{hertz}.wav"
    rate, seconds = 48_000, 10
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(
            b"".join(
                struct.pack("<h", round(9_000 * math.sin(2 * math.pi * hertz * n / rate)))
                for n in range(rate * seconds)
            )
        )
    return path


def levels(page: Page, hertz: Iterable[float], ms: int = WINDOW_MS) -> dict[float, float] | None:
    """The loudest that each tone was within the time, in dB of full scale; None without a track."""
    wanted = list(hertz)
    found = page.evaluate("([hertz, ms]) => window.hears(hertz, ms)", [wanted, ms])
    return None if found is None else dict(zip(wanted, found, strict=True))


def expect_heard(page: Page, *voices: int, music: bool = False, also: Iterable[int] = ()) -> None:
    """Within a few seconds the page hears these voices (and music, and `also`), and no other."""
    extra = tuple(also)
    wanted = {*voices, *extra}
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = levels(page, (*VOICES, *extra, *MUSIC))
        if found is not None and _as_wanted(found, wanted, music):
            return
        assert time.monotonic() < end, f"wanted {sorted(wanted)}, music {music}; heard {found}"


def _as_wanted(found: dict[float, float], wanted: set[int], music: bool) -> bool:
    notes = [found[note] for note in MUSIC]
    if max(notes) < LOUD_DB if music else max(notes) > QUIET_DB:
        return False
    voices = {tone: level for tone, level in found.items() if tone not in MUSIC}
    return all(
        level > LOUD_DB if tone in wanted else level < QUIET_DB for tone, level in voices.items()
    )
