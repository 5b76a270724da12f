/** Reply or note: drafts are kept, Ctrl+Enter sends, and offline it goes on. */
import type { InteractionCard } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { Button, cls } from "@contactcenter/shared/ui";
import { useStore } from "@contactcenter/shared/store";
import { useEffect, useLayoutEffect, useRef, useState } from "react";

import { useAgent, useDesk } from "./context";
import { firstName } from "./Messages";
import { keepReply, ReplyList, useReplies } from "./Replies";
import { useT } from "./texts";

export const MAX_CHARS = 4_000;
const NEAR_MAX = 3_500;

export function Composer({ card }: { card: InteractionCard }) {
  const t = useT();
  const desk = useDesk();
  const me = useAgent((state) => state.me);
  const centre = useAgent((state) => state.centre);
  const link = useStore(desk.live.link);
  const id = card.conversation_id;
  // On the telephone nobody reads a reply.
  const spoken = card.channel === "voice";
  const [kind, setKind] = useState<"text" | "note">(spoken ? "note" : "text");
  const [text, setText] = useState(() => desk.draft(id));
  const [problem, setProblem] = useState<"empty" | "long" | "notKept" | null>(null);
  const input = useRef<HTMLTextAreaElement>(null);

  useEffect(() => desk.keepDraft(id, text), [desk, id, text]);
  // When the wrap-up takes this place, whoever was typing here goes on in its note.
  useLayoutEffect(() => {
    const el = input.current;
    return () => {
      desk.leftTyping = document.activeElement === el;
    };
  }, [desk]);
  useLayoutEffect(() => {
    const el = input.current;
    if (!el) return;
    el.style.height = "auto";
    el.style.height = `${Math.min(160, Math.max(60, el.scrollHeight + 2))}px`;
  }, [text]);

  const send = () => {
    const body = text.trim();
    if (body === "") return setProblem("empty");
    if ([...body].length > MAX_CHARS) return setProblem("long");
    desk.write(id, kind, body);
    setText("");
    setProblem(null);
    input.current?.focus();
  };
  const length = [...text].length;
  const saved = useReplies(
    kind === "text" ? text : "",
    { customer: firstName(card.customer.name), agent: firstName(me.name), centre: centre.name },
    (reply) => {
      setText(reply);
      input.current?.focus();
    },
    () => setText(""),
  );
  const tab = (one: "text" | "note") => (
    <button
      type="button"
      role="tab"
      id={`tab-${one}`}
      aria-selected={kind === one}
      aria-controls="composer"
      tabIndex={kind === one ? 0 : -1}
      onClick={() => {
        setKind(one);
        input.current?.focus();
      }}
      onKeyDown={(event) => {
        if (spoken || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
        event.preventDefault();
        const other = one === "text" ? "note" : "text";
        setKind(other);
        document.getElementById(`tab-${other}`)?.focus();
      }}
    >
      <Icon name={one === "text" ? "chat" : "note"} />
      {t(one === "text" ? "reply" : "internalNote")}
    </button>
  );
  return (
    <div className="cmp">
      <ReplyList state={saved} />
      <div className="tabs">
        <div role="tablist" aria-label={t("composerKind")}>
          {!spoken && tab("text")}
          {tab("note")}
        </div>
        <span className="t12 x3 end cut">
          {kind === "note"
            ? t("noteHidden")
            : t("signedAs", { name: firstName(card.customer.name) || t("visitor"), as: `${firstName(me.name)} · ${centre.name}` })}
        </span>
      </div>
      <textarea
        ref={input}
        id="composer"
        className={cls("input", "box", kind === "note" && "note-in")}
        aria-label={t(kind === "text" ? "reply" : "internalNote")}
        aria-describedby="composer-hint"
        aria-invalid={problem !== null || undefined}
        placeholder={t(kind === "text" ? "replyHint" : "noteHint")}
        value={text}
        rows={2}
        onChange={(event) => {
          setText(event.target.value);
          setProblem(null);
          if (kind === "text" && event.target.value !== "" && !event.target.value.startsWith("/")) desk.keyPressed(id);
        }}
        aria-controls={saved.open ? "replies" : undefined}
        aria-activedescendant={saved.found?.[saved.at] ? `reply-${saved.at}` : undefined}
        onKeyDown={(event) => {
          if (saved.onKeyDown(event)) return;
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            if (!event.repeat) send();
          }
        }}
      />
      <div className="tools">
        {kind === "text" && (
          <Button
            size="small"
            kind="quiet"
            icon="reply"
            keys={text === "" ? "/" : undefined}
            disabled={text.startsWith("/")}
            onClick={() => {
              if (text.trim() === "") setText("/");
              else void keepReply(text.trim()).then((kept) => setProblem(kept ? null : "notKept"));
              input.current?.focus();
            }}
          >
            {t(text.trim() === "" || text.startsWith("/") ? "replies" : "replyKeep")}
          </Button>
        )}
        <span id="composer-hint" className="t13 grow row" role="status">
          {problem ? (
            <>
              <Icon name="octagon" size={12} className="c-bad" />
              <span className="c-bad">{t(problem === "empty" ? "writeFirst" : problem === "long" ? "tooLong" : "replyNotKept", { count: MAX_CHARS })}</span>
            </>
          ) : link.kind === "lost" ? (
            <>
              <Icon name="clock" size={12} className="c-warn" />
              <span className="c-warn cut">{t("goesWhenBack")}</span>
            </>
          ) : null}
        </span>
        <span className={cls("t12", length > NEAR_MAX ? "c-warn" : "x3", "chars")}>{t("characters", { count: length })}</span>
        <Button kind="primary" onClick={send}>
          {t(kind === "text" ? "send" : "saveNote")}
          <kbd aria-hidden="true">Ctrl ↵</kbd>
        </Button>
      </div>
    </div>
  );
}
