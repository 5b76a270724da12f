/** What the page says on the script tag, read again whenever it changes. */

import { pickLanguage, type Language } from "./texts";

export interface Options {
  language: Language;
  theme: "light" | "dark";
  position: "left" | "right";
  title: string | null;
  queue: string | null;
  accent: string | null;
}

export function readOptions(script: HTMLScriptElement, chosen: string | null): Options {
  const { dataset } = script;
  const dark = dataset.theme === "dark" || (dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  return {
    language: pickLanguage(chosen, dataset.language, document.documentElement.lang, ...navigator.languages),
    theme: dark ? "dark" : "light",
    position: dataset.position === "left" ? "left" : "right",
    title: dataset.title?.trim() || null,
    queue: dataset.queue?.trim() || null,
    accent: dataset.accent?.trim() || null,
  };
}
