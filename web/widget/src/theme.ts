/** The page's own accent colour, made readable on both themes. Pure. */

type Rgb = [number, number, number];

/** Surfaces and grey text of the design tokens, which the accent has to be read on. */
const THEMES = {
  light: { surface: "#ffffff", text3: "#5d6773", ink: [0, 0, 0] as Rgb, tint: 0.12 },
  dark: { surface: "#141a20", text3: "#95a0ad", ink: [255, 255, 255] as Rgb, tint: 0.22 },
};
const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [16, 20, 26];

/** #rgb or #rrggbb; null for anything else. */
export function parseColour(text: string): Rgb | null {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(text.trim());
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text.trim());
  const parts = short ? short.slice(1).map((c) => c + c) : long?.slice(1);
  return parts ? (parts.map((c) => parseInt(c, 16)) as Rgb) : null;
}

/** Relative luminance and contrast as WCAG 2.2 defines them. */
function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((c) => {
    const s = c / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function mix(a: Rgb, b: Rgb, part: number): Rgb {
  return a.map((c, i) => Math.round(c + (b[i]! - c) * part)) as Rgb;
}

/** `colour` moved towards `target` no further than `fits` needs. */
function until(colour: Rgb, target: Rgb, fits: (colour: Rgb) => boolean): Rgb {
  for (let step = 0; step <= 20; step++) {
    const tried = mix(colour, target, step / 20);
    if (fits(tried)) return tried;
  }
  return target;
}

const css = (colour: Rgb) => `rgb(${colour.join(" ")})`;

/** Rules that replace the accent tokens; empty when `text` is not a colour. */
export function accentRules(text: string | null): string {
  const accent = text === null ? null : parseColour(text);
  if (!accent) return "";
  return Object.entries(THEMES)
    .map(([theme, { surface, text3, ink, tint }]) => {
      const ground = parseColour(surface)!;
      const grey = parseColour(text3)!;
      const solid = until(accent, ink, (c) => contrast(c, ground) >= 3);
      const onSolid = contrast(WHITE, solid) >= 4.5 ? WHITE : BLACK;
      const fill = until(solid, onSolid === WHITE ? BLACK : WHITE, (c) => contrast(c, onSolid) >= 4.5);
      const soft = until(mix(ground, accent, tint), ground, (c) => contrast(grey, c) >= 4.5);
      const words = until(accent, ink, (c) => contrast(c, ground) >= 4.5 && contrast(c, soft) >= 4.5);
      return `[data-theme="${theme}"]{--accent:${css(words)};--accent-solid:${css(fill)};--on-solid:${css(onSolid)};--accent-soft:${css(soft)};--bubble-out:${css(soft)};--focus:0 0 0 2px var(--surface),0 0 0 4px ${css(words)}}`;
    })
    .join("\n");
}
