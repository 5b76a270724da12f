/**
 * The sounds of the desk, made here from two sine tones, and the system's
 * notifications. A browser lets a page sound only after a first touch or key.
 */
import { volume } from "@contactcenter/shared/prefs";

let context: AudioContext | null = null;

/** Let the first gesture that counts as one (a bare Ctrl does not) open the sound. */
export function armSound(): void {
  const kinds = ["pointerup", "keydown"] as const;
  const wake = () => {
    if (navigator.userActivation?.hasBeenActive === false) return;
    for (const kind of kinds) removeEventListener(kind, wake, { capture: true });
    context = new AudioContext();
    if (context.state === "suspended") void context.resume();
  };
  for (const kind of kinds) addEventListener(kind, wake, { capture: true });
}

function tone(at: number, hertz: number, seconds: number, loudness: number): void {
  if (!context) return;
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = hertz;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loudness, at + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + seconds);
}

function play(notes: [after: number, hertz: number, seconds: number][], share = 1): void {
  const level = volume.get() * 0.3 * share;
  if (level <= 0 || !context || context.state !== "running") return;
  for (const [after, hertz, seconds] of notes) tone(context.currentTime + after, hertz, seconds, level);
}

export const offerSound = (): void => play([[0, 659, 0.22], [0.18, 880, 0.34]]);
/** A telephone: two bursts of two tones, as long as it rings again every three seconds. */
export const ringSound = (): void =>
  play([0, 0.6].flatMap((at) => [[at, 440, 0.42], [at, 554, 0.42]] as [number, number, number][]), 0.8);
/** One short high tone: the desk takes the offer by itself. */
export const beepSound = (): void => play([[0, 988, 0.3]]);
export const messageSound = (): void => play([[0, 740, 0.14]], 0.6);

/** Ask once for the system's notifications; must come from a click. */
export function askNotifications(): void {
  if (typeof Notification !== "undefined" && Notification.permission === "default") void Notification.requestPermission();
}

/** Tell the system when the page is not in front; a click brings it there. */
export function notify(title: string, body: string, tag: string): Notification | null {
  if (typeof Notification === "undefined" || Notification.permission !== "granted" || document.hasFocus()) return null;
  const shown = new Notification(title, { body, tag });
  shown.onclick = () => {
    window.focus();
    shown.close();
  };
  return shown;
}
