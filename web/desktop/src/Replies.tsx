/**
 * Saved replies, the agent's own and the centre's: `/` at the start of the reply
 * lists them, the next letters choose, Enter puts one in with its names filled in.
 */
import { api } from "@contactcenter/shared/api";
import { REPLY_VARIABLES, type ReplyList as Listed, type SavedReply } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { locale } from "@contactcenter/shared/prefs";
import { remembered, Store, useStore } from "@contactcenter/shared/store";
import { cls, IconButton } from "@contactcenter/shared/ui";
import { type KeyboardEvent, useEffect, useState } from "react";

import { useT } from "./texts";

const OLD_KEY = "cc.replies"; // where this browser kept them before the centre did
const SHOWN = 8;
const FRESH_MS = 30_000;

export const replies = new Store<readonly SavedReply[]>([]);
let loadedAt = -FRESH_MS;

/** Who stands in the place of what a reply names (REPLY_VARIABLES). */
export interface Names {
  customer: string;
  agent: string;
  centre: string;
}

async function load(): Promise<void> {
  if (performance.now() - loadedAt < FRESH_MS) return;
  loadedAt = performance.now();
  try {
    for (const text of remembered.read<string[]>(OLD_KEY, []).reverse()) await post(text);
    remembered.write(OLD_KEY, null);
    replies.set((await api.get<Listed>("/replies")).items);
  } catch {
    loadedAt = -FRESH_MS; // the list stays as it was; the next slash asks again
  }
}

// What an agent wrote is no template: its braces say what they say.
const post = (text: string): Promise<SavedReply> =>
  api.post<SavedReply>("/replies", { [locale.get() === "en" ? "body_en" : "body_es"]: text.replace(/[{}]/g, "") });

/** Keep a text as one's own reply, the newest first. False: the centre did not take it. */
export async function keepReply(text: string): Promise<boolean> {
  try {
    const made = await post(text);
    replies.update((all) => [made, ...all]);
    return true;
  } catch {
    return false;
  }
}

async function forget(reply: SavedReply): Promise<void> {
  await api.delete(`/replies/${reply.reply_id}`);
  replies.update((all) => all.filter((one) => one.reply_id !== reply.reply_id));
}

/** PURE. The reply in the language of the desk, or in the one that there is. */
export const bodyOf = (reply: SavedReply, language: string): string =>
  language === "en" ? reply.body_en || reply.body_es : reply.body_es || reply.body_en;

/** PURE. The names put in. Without the customer's, the comma before it goes too. */
export function filled(body: string, names: Names): string {
  return body.replace(/(,?\s*)\{(\w+)\}/g, (all, before: string, word: string) => {
    const whose = REPLY_VARIABLES.get(word);
    return whose === undefined ? all : names[whose] === "" ? "" : before + names[whose];
  });
}

/** PURE. Those with every word that follows the slash; null when none is asked for. */
export function matching<T>(all: readonly T[], typed: string, textOf: (one: T) => string): readonly T[] | null {
  if (!typed.startsWith("/") || typed.includes("\n")) return null;
  const words = typed.slice(1).toLowerCase().split(" ").filter(Boolean);
  return all.filter((one) => words.every((word) => textOf(one).toLowerCase().includes(word))).slice(0, SHOWN);
}

/** What the composer needs to offer them: the list, and the keys that it takes first. */
export function useReplies(typed: string, names: Names, onPick: (text: string) => void, onLeave: () => void) {
  const all = useStore(replies);
  const language = useStore(locale);
  const textOf = (reply: SavedReply) => filled(bodyOf(reply, language), names);
  const found = matching(all, typed, textOf);
  const [at, setAt] = useState(0);
  useEffect(() => setAt(0), [typed]);
  const open = found !== null;
  useEffect(() => {
    if (open) void load();
  }, [open]);
  const pick = (reply: SavedReply) => onPick(textOf(reply));
  const onKeyDown = (event: KeyboardEvent): boolean => {
    if (!open || event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const by = event.key === "ArrowDown" ? 1 : -1;
      setAt((now) => Math.min(Math.max(0, now + by), Math.max(0, found.length - 1)));
    } else if ((event.key === "Enter" || event.key === "Tab") && found[at]) pick(found[at]);
    else if (event.key === "Escape") onLeave();
    else return false;
    event.preventDefault();
    return true;
  };
  return { found, at, open, onKeyDown, pick, textOf };
}

export function ReplyList({ state }: { state: ReturnType<typeof useReplies> }) {
  const t = useT();
  if (!state.found) return null;
  const chosen = state.found[state.at];
  return (
    <div className="pop replies" onPointerDown={(event) => event.preventDefault()}>
      <ul id="replies" role="listbox" aria-label={t("replies")}>
        {state.found.map((one, index) => (
          <li
            key={one.reply_id}
            id={`reply-${index}`}
            role="option"
            aria-selected={index === state.at}
            className={cls(index === state.at && "on")}
            onClick={() => state.pick(one)}
          >
            <Icon name="reply" />
            <span className="cut">{state.textOf(one)}</span>
            {one.shared && <span className="t12 x3 end">{t("replyShared")}</span>}
          </li>
        ))}
      </ul>
      {state.found.length === 0 && <p className="empty">{t("repliesNone")}</p>}
      {chosen && (
        <div className="row reply-foot">
          <span className="t12 x3 grow">{t("repliesKeys")}</span>
          {!chosen.shared && <IconButton icon="close" label={t("replyForget")} onClick={() => void forget(chosen)} />}
        </div>
      )}
    </div>
  );
}
