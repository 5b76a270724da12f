/** A customer's page with the chat on it. Language and theme go to the chat by its script tag. */

import "@contactcenter/shared/tokens.css";
import { ENGLISH } from "./english";
import { mailbox } from "./mailbox";
import "./page.css";

type Locale = "es" | "en";
type Theme = "light" | "dark";

interface DemoUser {
  email: string;
  password: string;
  name: string;
  role: string;
}

const root = document.documentElement;
const widget = document.querySelector<HTMLScriptElement>('script[src$="/widget.js"]')!;
const language = document.querySelector<HTMLButtonElement>("#language")!;
const themeButton = document.querySelector<HTMLButtonElement>("#theme")!;
const spanish = new Map<Element, string>();

function texts(locale: Locale): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-t]")) {
    if (!spanish.has(element)) spanish.set(element, element.textContent);
    element.textContent = locale === "en" ? (ENGLISH[element.dataset.t!] ?? "") : spanish.get(element)!;
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-t-label]")) {
    if (!spanish.has(element)) spanish.set(element, element.ariaLabel ?? "");
    element.ariaLabel = locale === "en" ? (ENGLISH[element.dataset.tLabel!] ?? "") : spanish.get(element)!;
  }
}

function speak(locale: Locale): void {
  root.lang = locale;
  texts(locale);
  language.textContent = locale === "es" ? "English" : "Español";
  language.lang = locale === "es" ? "en" : "es";
  if (widget.dataset.language !== locale) widget.dataset.language = locale;
}

function paint(theme: Theme): void {
  root.dataset.theme = theme;
  widget.dataset.theme = theme;
  themeButton.setAttribute("aria-pressed", String(theme === "dark"));
}

function remembered<T extends string>(key: string, allowed: readonly T[]): T | null {
  try {
    const value = JSON.parse(localStorage.getItem(key) ?? "null") as T;
    return allowed.includes(value) ? value : null;
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing shows the page all the same.
  }
}

/** Outside production the server tells who may sign in; elsewhere the strip stays away. */
async function newcomer(): Promise<void> {
  const answer = await fetch("/api/v1/auth/demo-users").catch(() => null);
  if (!answer?.ok) return;
  const { items } = (await answer.json()) as { items: DemoUser[] };
  const one = (role: string) => items.find((user) => user.role === role);
  const shown = [one("agent"), items.filter((user) => user.role === "agent")[1], one("supervisor")];
  const rows = shown
    .filter((user) => user !== undefined)
    .map((user) => {
      const row = document.createElement("li");
      const sign = document.createElement("code");
      sign.textContent = `${user.email} / ${user.password}`;
      row.append(`${user.name}: `, sign);
      return row;
    });
  document.querySelector("#users")!.replaceChildren(...rows);
  document.querySelector<HTMLElement>("#newcomer")!.hidden = rows.length === 0;
}

speak(remembered("cc.locale", ["es", "en"]) ?? (navigator.language.startsWith("en") ? "en" : "es"));
paint(remembered("cc.theme", ["light", "dark"]) ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
language.addEventListener("click", () => {
  const locale = root.lang === "es" ? "en" : "es";
  remember("cc.locale", locale);
  speak(locale);
});
themeButton.addEventListener("click", () => {
  const theme = root.dataset.theme === "dark" ? "light" : "dark";
  remember("cc.theme", theme);
  paint(theme);
});
for (const button of document.querySelectorAll("[data-chat]")) {
  button.addEventListener("click", () => window.ContactCenter?.open());
}
for (const button of document.querySelectorAll("[data-call]")) {
  button.addEventListener("click", () => window.ContactCenter?.call());
}
void newcomer();
mailbox(root);

declare global {
  interface Window {
    ContactCenter?: { open(): void; call(): void };
  }
}
