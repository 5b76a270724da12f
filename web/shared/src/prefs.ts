/** Theme, language and sound: kept in the browser, switched without a reload. */
import { remembered, Store } from "./store";

export type Theme = "light" | "dark" | "system";
export type Locale = "es" | "en";

export const theme = new Store<Theme>(remembered.read<Theme>("cc.theme", "system"));
export const locale = new Store<Locale>(remembered.read<Locale | null>("cc.locale", null) ?? browserLocale());
/** 0 (silent) to 1. */
export const volume = new Store<number>(remembered.read("cc.volume", 0.6));

const darkMedia = typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : null;

export function isDark(choice: Theme = theme.get()): boolean {
  return choice === "dark" || (choice === "system" && darkMedia?.matches === true);
}

function browserLocale(): Locale {
  return typeof navigator !== "undefined" && navigator.language.startsWith("en") ? "en" : "es";
}

/** Puts the preferences on the document and keeps them there, as they are chosen here or in another
 * tab. Call once, before the first render. */
export function applyPreferences(): void {
  const paint = () => {
    document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  };
  paint();
  darkMedia?.addEventListener("change", paint);
  theme.subscribe(() => {
    paint();
    remembered.write("cc.theme", theme.get());
  });
  const speak = () => {
    document.documentElement.lang = locale.get();
  };
  speak();
  locale.subscribe(() => {
    speak();
    remembered.write("cc.locale", locale.get());
  });
  volume.subscribe(() => remembered.write("cc.volume", volume.get()));
  addEventListener("storage", ({ key }) => {
    if (key === "cc.theme") theme.set(remembered.read("cc.theme", theme.get()));
    if (key === "cc.locale") locale.set(remembered.read("cc.locale", locale.get()));
  });
}
