/** Elements without markup: what people wrote only ever becomes text. */

import { pieces } from "./links";

type Child = Node | string | null | false;
type Props = Record<string, string | boolean | null | undefined | ((event: never) => void)>;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name, value as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== false));
  return element;
}

/** Strokes on a 16 px grid, as on the desk. */
const STROKES = {
  chat: "M2.5 3.5h11v7.5H7l-3 2.5V11H2.5z",
  down: "m4 6 4 4 4-4",
  dots: "M3.5 8h.1M8 8h.1M12.5 8h.1",
  send: "m2.5 3 11.5 5-11.5 5 1.7-5zM4.2 8H9",
  check: "m3 8.5 3.3 3.3L13 5",
  checks: "m1 8.5 3 3 6.5-7M8 11l.6.5L15 4.5",
  clock: "M8 2.3a5.7 5.7 0 1 0 0 11.4A5.7 5.7 0 0 0 8 2.3M8 4.7V8l2.2 1.6",
  person: "M8 2.5a2.7 2.7 0 1 1 0 5.4 2.7 2.7 0 0 1 0-5.4M2.8 13.5c.5-3 2.5-4.3 5.2-4.3s4.7 1.3 5.2 4.3",
  bolt: "M8.7 1.8 3.5 9h4.3l-.6 5.2L12.5 7H8.2z",
  cloud: "M2 2l12 12M6 4.2a4.3 4.3 0 0 1 6.2 3.3 2.6 2.6 0 0 1 1.6 3.6M10.9 12.5H4.6a2.9 2.9 0 0 1-.4-5.8",
  phone: "M3.2 2.5h2.3l1.2 3-1.5 1.2c.7 1.6 2 2.9 3.6 3.6l1.7-1 3 1.2v2.3c0 .5-.4.9-.9.8C7 13.2 2.8 9 2.4 3.4c-.1-.5.3-.9.8-.9z",
  hang: "M1.8 9.9c-.4-.8.1-1.8 1-2.3 3.3-1.8 7.1-1.8 10.4 0 .9.5 1.4 1.5 1 2.3l-.4.8-2.9-.6-.3-1.9a9.6 9.6 0 0 0-5.2 0l-.3 1.9-2.9.6z",
  mic: "M8 2a2 2 0 0 1 2 2v3.3a2 2 0 0 1-4 0V4a2 2 0 0 1 2-2zM3.6 7.6a4.4 4.4 0 0 0 8.8 0M8 12v2",
  micOff: "M10 8V4a2 2 0 0 0-3.9-.7M6 6.3v1a2 2 0 0 0 3.2 1.6M3.6 7.6a4.4 4.4 0 0 0 7.2 3.4M12.2 8.6l.2-1M8 12v2M2.5 2.5l11 11",
  keypad: "M4 3.6h.1M8 3.6h.1M12 3.6h.1M4 7.6h.1M8 7.6h.1M12 7.6h.1M4 11.6h.1M8 11.6h.1M12 11.6h.1",
  wifi: "M1.8 6.3a9 9 0 0 1 12.4 0M4 8.8a5.9 5.9 0 0 1 8 0M6.2 11.2a2.7 2.7 0 0 1 3.6 0M8 13.2v.1",
  record: "M8 2.3a5.7 5.7 0 1 0 0 11.4A5.7 5.7 0 0 0 8 2.3M8 6.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3z",
  octagon: "M5.6 2h4.8L14 5.6v4.8L10.4 14H5.6L2 10.4V5.6zM8 5v3.8M8 10.9v.1",
} as const;

export type IconName = keyof typeof STROKES;

export function icon(name: IconName, size: 12 | 16 | 20 = 16): SVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  const attributes = { class: name === "dots" || name === "keypad" ? `i i${size} dots3` : `i i${size}`, viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", STROKES[name]);
  svg.append(path);
  return svg;
}

/** Available: a filled disc with a tick, the same shape as on the desk. */
export function availableMark(): SVGElement {
  const svg = icon("check", 12);
  svg.classList.add("disc");
  return svg;
}

/** A message's text, its addresses as links that open apart. */
export function words(text: string): HTMLElement {
  const block = h("p", { class: "words", dir: "auto" });
  for (const piece of pieces(text)) {
    block.append(
      piece.href === null
        ? piece.text
        : h("a", { href: piece.href, target: "_blank", rel: "noopener noreferrer nofollow" }, piece.text),
    );
  }
  return block;
}

/** Changes text only when it differs, so that nothing is read out twice. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
