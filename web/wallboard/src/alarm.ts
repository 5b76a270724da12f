/**
 * The alarm: a short tone when a queue goes over a limit, made here of two notes. A browser lets a
 * page sound only after a first touch or key, and until then the board is silent.
 */
let context: AudioContext | null = null;

/** Let the first gesture that counts as one open the sound. */
export function armAlarm(): void {
  const kinds = ["pointerup", "keydown"] as const;
  const wake = () => {
    if (navigator.userActivation?.hasBeenActive === false) return;
    for (const kind of kinds) removeEventListener(kind, wake, { capture: true });
    open();
  };
  for (const kind of kinds) addEventListener(kind, wake, { capture: true });
}

function open(): AudioContext | null {
  if (navigator.userActivation?.hasBeenActive === false) return null;
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
  return context;
}

export function alarmSound(): void {
  const out = open();
  if (!out) return;
  for (const [after, hertz] of [[0, 784], [0.22, 587]] as const) {
    const at = out.currentTime + after;
    const oscillator = out.createOscillator();
    const gain = out.createGain();
    oscillator.frequency.value = hertz;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.2, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.3);
    oscillator.connect(gain).connect(out.destination);
    oscillator.start(at);
    oscillator.stop(at + 0.3);
  }
}

/** Whether something is over its limit that was not before. */
export const isNews = (before: ReadonlySet<string>, now: ReadonlySet<string>): boolean => [...now].some((one) => !before.has(one));
