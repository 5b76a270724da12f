/**
 * The agent's own saved replies, kept in this browser: `/` at the start of the
 * reply lists them, the next letters choose, Enter puts one in.
 */
import { Icon } from "@contactcenter/shared/icons";
import { remembered, Store, useStore } from "@contactcenter/shared/store";
import { cls, IconButton } from "@contactcenter/shared/ui";
import { type KeyboardEvent, useEffect, useState } from "react";

import { useT } from "./texts";

const KEY = "cc.replies";
const MOST = 100;
const SHOWN = 8;

export const replies = new Store<readonly string[]>(remembered.read<string[]>(KEY, []));
replies.subscribe(() => remembered.write(KEY, replies.get()));

/** Keep a text as a reply, the newest first. */
export function keepReply(text: string): void {
  replies.update((all) => [text, ...all.filter((one) => one !== text)].slice(0, MOST));
}

/** PURE. The saved replies with every word that follows the slash; null when none is asked for. */
export function matching(all: readonly string[], typed: string): readonly string[] | null {
  if (!typed.startsWith("/") || typed.includes("\n")) return null;
  const words = typed.slice(1).toLowerCase().split(" ").filter(Boolean);
  return all.filter((one) => words.every((word) => one.toLowerCase().includes(word))).slice(0, SHOWN);
}

/** What the composer needs to offer them: the list, and the keys that it takes first. */
export function useReplies(typed: string, onPick: (text: string) => void, onLeave: () => void) {
  const all = useStore(replies);
  const found = matching(all, typed);
  const [at, setAt] = useState(0);
  useEffect(() => setAt(0), [typed]);
  const open = found !== null;
  const onKeyDown = (event: KeyboardEvent): boolean => {
    if (!open || event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const by = event.key === "ArrowDown" ? 1 : -1;
      setAt((now) => Math.min(Math.max(0, now + by), Math.max(0, found.length - 1)));
    } else if ((event.key === "Enter" || event.key === "Tab") && found[at]) onPick(found[at]);
    else if (event.key === "Escape") onLeave();
    else return false;
    event.preventDefault();
    return true;
  };
  return { found, at, open, onKeyDown, onPick };
}

export function ReplyList({ state }: { state: ReturnType<typeof useReplies> }) {
  const t = useT();
  if (!state.found) return null;
  return (
    <div className="pop replies" onPointerDown={(event) => event.preventDefault()}>
      <ul id="replies" role="listbox" aria-label={t("replies")}>
        {state.found.map((one, index) => (
          <li
            key={one}
            id={`reply-${index}`}
            role="option"
            aria-selected={index === state.at}
            className={cls(index === state.at && "on")}
            onClick={() => state.onPick(one)}
          >
            <Icon name="reply" />
            <span className="cut">{one}</span>
          </li>
        ))}
      </ul>
      {state.found.length === 0 && <p className="empty">{t("repliesNone")}</p>}
      {state.found[state.at] && (
        <div className="row reply-foot">
          <span className="t12 x3 grow">{t("repliesKeys")}</span>
          <IconButton
            icon="close"
            label={t("replyForget")}
            onClick={() => replies.update((all) => all.filter((one) => one !== state.found?.[state.at]))}
          />
        </div>
      )}
    </div>
  );
}
