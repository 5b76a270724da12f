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
from statistics import median

from playwright.sync_api import Page

CUSTOMER, AGENT, COLLEAGUE = 620, 1030, 1570
VOICES = (CUSTOMER, AGENT, COLLEAGUE)
MUSIC = (174.61, 196.0, 220.0, 246.94, 261.63, 329.63)
"""The notes of the music on hold (channels/voice/media/tones.py)."""

LOUD_DB, QUIET_DB = -55.0, -62.0
"""Heard is above the one, not heard below the other; between them nothing is decided. A voice
arrives at about -28 dB; a frame that is lost, or a key that is pressed, spreads to about -70."""

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
    const { analyser } = ear;
    if (!analyser) return null; // another track has just come
    const bins = new Float32Array(analyser.frequencyBinCount);
    const looks = [];
    for (const end = performance.now() + ms; performance.now() < end; ) {
      analyser.getFloatFrequencyData(bins);
      looks.push(hertz.map((one) => {
        const at = Math.round((one * analyser.fftSize) / ear.context.sampleRate);
        return Math.max(-200, bins[at - 1], bins[at], bins[at + 1]);
      }));
      await new Promise((done) => setTimeout(done, 60));
    }
    return looks;
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


def levels(page: Page, ms: int = WINDOW_MS, *tones: float) -> list[dict[float, float]]:
    """How loud each tone was at each look, in dB of full scale; none without a track."""
    looks = page.evaluate("([hertz, ms]) => window.hears(hertz, ms)", [list(tones), ms])
    return [dict(zip(tones, look, strict=True)) for look in looks or ()]


def expect_heard(page: Page, *voices: int, music: bool = False, also: Iterable[int] = ()) -> None:
    """Within a few seconds the page hears these voices (and music, and `also`), and no other."""
    wanted = {*voices, *also}
    others = {*VOICES, *also} - wanted
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        looks = levels(page, WINDOW_MS, *VOICES, *also, *MUSIC)
        if looks and _as_wanted(looks, wanted, others, music):
            return
        if time.monotonic() > end:
            heard = (
                {tone: sorted(look[tone] for look in looks) for tone in looks[0]} if looks else {}
            )
            raise AssertionError(f"wanted {sorted(wanted)}, music {music}; heard {heard}")


def _as_wanted(
    looks: list[dict[float, float]], wanted: set[int], others: set[int], music: bool
) -> bool:
    """What is wanted was loud at some look; what is not was quiet at most of them: somebody who
    is heard is heard all the time, a click of a key is not."""
    played = [max(look[note] for note in MUSIC) for look in looks]
    return (
        all(max(look[tone] for look in looks) > LOUD_DB for tone in wanted)
        and all(median(look[tone] for look in looks) < QUIET_DB for tone in others)
        and (max(played) > LOUD_DB if music else median(played) < QUIET_DB)
    )
