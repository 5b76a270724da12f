/** Addresses inside a message. Pure; the caller makes elements, never markup. */

export type Piece = { text: string; href: string | null };

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`{}|\\^]+/gi;
const CLOSES: Record<string, string> = { ")": "(", "]": "[" };

/** Splits a text into plain pieces and http(s) addresses; put together they are the text again. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    const href = safeHref(address);
    if (href === null) continue;
    if (match.index > from) found.push({ text: text.slice(from, match.index), href: null });
    found.push({ text: address, href });
    from = match.index + address.length;
  }
  if (from < text.length) found.push({ text: text.slice(from), href: null });
  return found;
}

/** Without the full stop, comma or bracket that belongs to the sentence. */
function trimmed(address: string): string {
  let text = address;
  for (;;) {
    const last = text.at(-1) ?? "";
    const opener = CLOSES[last];
    const unbalanced = opener !== undefined && !text.slice(0, -1).includes(opener);
    if (unbalanced || /[.,;:!?…»”*_~]/.test(last)) text = text.slice(0, -1);
    else return text;
  }
}

function safeHref(address: string): string | null {
  try {
    const url = new URL(address);
    const plain = url.username === "" && url.password === "";
    return plain && (url.protocol === "http:" || url.protocol === "https:") ? url.href : null;
  } catch {
    return null;
  }
}
