/** Two soft notes, made on the spot. Browsers allow sound only after a first touch of the page. */
export class Chime {
  private context: AudioContext | null = null;

  /** Call from a click or a key. */
  unlock(): void {
    try {
      this.context ??= new AudioContext();
      if (this.context.state === "suspended") void this.context.resume();
    } catch {
      this.context = null; // no audio here: the words on the screen are enough
    }
  }

  /** Rising when somebody joins, one note for a message, the country's tone when all lines are busy. */
  play(kind: "joined" | "message" | "busy"): void {
    const { context } = this;
    if (!context || context.state !== "running") return;
    const notes = kind === "joined" ? [587.3, 880] : kind === "busy" ? [425, 425, 425] : [740];
    notes.forEach((frequency, i) => {
      const at = context.currentTime + i * (kind === "busy" ? 0.4 : 0.14);
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.type = "sine";
      tone.frequency.value = frequency;
      gain.gain.setValueAtTime(0.0001, at);
      gain.gain.exponentialRampToValueAtTime(0.08, at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.35);
      tone.connect(gain).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.4);
    });
  }
}
