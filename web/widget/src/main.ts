/** One script tag puts the chat on a page: `<script src="https://centre/widget.js" async></script>`. */

import tokens from "@contactcenter/shared/tokens.css?inline";
import { Caller } from "./caller";
import { Client } from "./client";
import { readOptions } from "./options";
import { Chime } from "./sound";
import { Store } from "./storage";
import type { Language } from "./texts";
import { accentRules } from "./theme";
import { View } from "./view";
import sheet from "./widget.css?inline";

type Handler = (detail: Record<string, unknown>) => void;

export interface ContactCenter {
  open(): void;
  close(): void;
  /** Opens the panel and asks whether to call. */
  call(): void;
  /** `open`, `close`, `message`, `state`; the answer takes the handler off again. */
  on(event: "open" | "close" | "message" | "state", handler: Handler): () => void;
}

declare global {
  interface Window {
    ContactCenter?: ContactCenter;
  }
}

function start(script: HTMLScriptElement): void {
  const { origin } = new URL(script.src);
  const store = Store.ofBrowser(origin);
  let options = readOptions(script, store.language);
  const handlers = new Map<string, Set<Handler>>();
  const host = document.createElement("div");
  host.dataset.contactcenter = "";
  const shadow = host.attachShadow({ mode: "open" });
  // Adopted sheets need no style-src of the page's content security policy.
  const [base, accent] = [new CSSStyleSheet(), new CSSStyleSheet()];
  base.replaceSync(tokens.replaceAll(":root", ".cc") + sheet);
  accent.replaceSync(accentRules(options.accent));
  shadow.adoptedStyleSheets = [base, accent];

  const client = new Client({
    origin,
    store,
    queue: () => options.queue,
    language: () => options.language,
  });
  const refresh = () => {
    options = readOptions(script, store.language);
    accent.replaceSync(accentRules(options.accent));
    view.refresh();
  };
  const view = new View(
    shadow,
    client,
    new Caller(client, store),
    store,
    new Chime(),
    () => options,
    (language: Language) => {
      store.language = language;
      refresh();
    },
    (event, detail) => handlers.get(event)?.forEach((handler) => handler(detail)),
  );

  new MutationObserver((changes) => {
    // The page changed its language: that is newer than the visitor's earlier choice.
    const newer = (change: MutationRecord) => change.attributeName === "data-language" && change.oldValue !== null;
    if (changes.some(newer)) store.language = null;
    refresh();
  }).observe(script, { attributes: true, attributeOldValue: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
  addEventListener("storage", (event) => client.storageChanged(event.key, event.newValue));
  document.body.append(host);
  client.resume();

  window.ContactCenter = {
    open: () => view.open(),
    close: () => view.close(),
    call: () => view.call(),
    on(event, handler) {
      const set = handlers.get(event) ?? new Set();
      handlers.set(event, set.add(handler));
      return () => void set.delete(handler);
    },
  };
}

// A module script has no currentScript; then the tag is found by its address.
const script =
  (document.currentScript as HTMLScriptElement | null) ??
  document.querySelector<HTMLScriptElement>('script[src*="/widget.js"]');
if (script?.src && !window.ContactCenter) {
  if (document.body) start(script);
  else addEventListener("DOMContentLoaded", () => start(script), { once: true });
}
