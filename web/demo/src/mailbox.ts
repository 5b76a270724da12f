/** The letters of a development system, to be read only. In production there is no such list. */
import type { MailboxLetter, MailboxOut } from "@contactcenter/shared/contract";

import { ENGLISH } from "./english";

const LINK = /https?:\/\/\S+/g;

/** Plain text with its links as links; nothing else in it can become markup. */
export function partsOf(body: string): { text: string; link: boolean }[] {
  const parts: { text: string; link: boolean }[] = [];
  let at = 0;
  for (const found of body.matchAll(LINK)) {
    if (found.index > at) parts.push({ text: body.slice(at, found.index), link: false });
    parts.push({ text: found[0], link: true });
    at = found.index + found[0].length;
  }
  if (at < body.length) parts.push({ text: body.slice(at), link: false });
  return parts;
}

function bodyOf(letter: MailboxLetter): HTMLElement {
  const text = document.createElement("p");
  text.className = "letter";
  for (const part of partsOf(letter.body)) {
    if (!part.link) {
      text.append(part.text);
      continue;
    }
    const link = document.createElement("a");
    link.href = part.text;
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = part.text;
    text.append(link);
  }
  return text;
}

/** Shows the list where the server has one, and reads it again on demand. */
export function mailbox(root: HTMLElement): void {
  const box = document.querySelector<HTMLElement>("#mailbox")!;
  const list = document.querySelector<HTMLElement>("#letters")!;
  const count = document.querySelector<HTMLElement>("#letter-count")!;
  let letters: MailboxLetter[] = [];
  const english = () => root.lang === "en";

  function show(): void {
    const when = new Intl.DateTimeFormat(english() ? "en-GB" : "es-ES", { dateStyle: "short", timeStyle: "medium" });
    count.textContent = `(${letters.length})`;
    const rows = letters.map((letter) => {
      const row = document.createElement("li");
      const head = document.createElement("p");
      const subject = document.createElement("b");
      subject.textContent = letter.subject;
      const to = `${english() ? ENGLISH.mailboxTo : "para"} ${letter.address} · ${when.format(new Date(letter.created_at))}`;
      head.append(subject, " ", to);
      row.append(head, bodyOf(letter));
      return row;
    });
    if (rows.length === 0) {
      const none = document.createElement("li");
      none.textContent = english() ? (ENGLISH.mailboxNone ?? "") : "Ninguna todavía.";
      rows.push(none);
    }
    list.replaceChildren(...rows);
  }

  async function read(): Promise<void> {
    const answer = await fetch("/api/v1/demo/mailbox").catch(() => null);
    if (!answer?.ok) return;
    letters = ((await answer.json()) as MailboxOut).items;
    box.hidden = false;
    show();
  }

  document.querySelector("#letters-again")!.addEventListener("click", () => void read());
  new MutationObserver(show).observe(root, { attributes: true, attributeFilter: ["lang"] });
  void read();
}
