/** The centre's saved replies, for every agent: written, changed, taken away. */
import { api, session } from "@contactcenter/shared/api";
import type { ReplyList, SavedReply } from "@contactcenter/shared/contract";
import { Outcome } from "@contactcenter/shared/outcome";
import { locale } from "@contactcenter/shared/prefs";
import { useSaid } from "@contactcenter/shared/problems";
import { useStore } from "@contactcenter/shared/store";
import { Button, Dialog, ErrorLine, IconButton } from "@contactcenter/shared/ui";
import { type FormEvent, useId, useState } from "react";

import { Box, Moment, useAsked } from "./asked";
import { strange } from "./changes";
import { useT } from "./texts";

const LONGEST = 4_000;

export function Replies() {
  const t = useT();
  const may = useStore(session)?.permissions.includes("queues.manage") ?? false;
  const language = useStore(locale);
  const all = useAsked<ReplyList>("/replies");
  const items = all.value?.items.filter((one) => one.shared) ?? null;
  const [open, setOpen] = useState<SavedReply | "new" | null>(null);
  const [dropping, setDropping] = useState<SavedReply | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [done, setDone] = useState<string | null>(null);
  const textOf = (one: SavedReply) => (language === "en" ? one.body_en || one.body_es : one.body_es || one.body_en);
  const drop = async (reply: SavedReply) => {
    setDropping(null);
    setFailure(null);
    setDone(null);
    try {
      await api.delete(`/replies/${reply.reply_id}`);
      setDone(t("replyDropped"));
      all.again();
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <>
      <p className="x2 t13">{t("repliesHint")}</p>
      <div className="tools">
        <Outcome failure={failure} done={done} />
        {may && (
          <Button kind="primary" icon="plus" onClick={() => setOpen("new")}>
            {t("newReply")}
          </Button>
        )}
      </div>
      <Box items={items} failure={all.failure} again={all.again} empty={t("noReplies")}>
        <table className="list">
          <thead>
            <tr>
              <th scope="col">{t("replyText")}</th>
              <th scope="col">{t("languages")}</th>
              <th scope="col">{t("changed")}</th>
              <th scope="col">
                <span className="sr">{t("drop")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items?.map((one) => (
              <tr key={one.reply_id}>
                <th scope="row" className="wrap">
                  {may ? (
                    <button type="button" className="link" onClick={() => setOpen(one)}>
                      {textOf(one)}
                    </button>
                  ) : (
                    textOf(one)
                  )}
                </th>
                <td className="t13 nw">{[one.body_es && "ES", one.body_en && "EN"].filter(Boolean).join(" · ")}</td>
                <td className="t13">
                  <Moment at={one.updated_at} />
                </td>
                <td className="end-deed">{may && <IconButton icon="close" label={`${t("drop")}: ${textOf(one)}`} onClick={() => setDropping(one)} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Box>
      {open && (
        <EditReply
          reply={open === "new" ? null : open}
          onClose={() => setOpen(null)}
          onDone={() => {
            setOpen(null);
            setFailure(null);
            setDone(t("saved"));
            all.again();
          }}
        />
      )}
      {dropping && (
        <Dialog
          title={t("dropReplySure")}
          closeLabel={t("close")}
          onClose={() => setDropping(null)}
          footer={
            <>
              <Button onClick={() => setDropping(null)}>{t("cancel")}</Button>
              <Button kind="danger" onClick={() => void drop(dropping)}>
                {t("drop")}
              </Button>
            </>
          }
        >
          <p className="wrap">{textOf(dropping)}</p>
          <p className="x2">{t("dropReplyHint")}</p>
        </Dialog>
      )}
    </>
  );
}

function EditReply({ reply, onDone, onClose }: { reply: SavedReply | null; onDone: () => void; onClose: () => void }) {
  const t = useT();
  const said = useSaid();
  const form = useId();
  const [texts, setTexts] = useState({ body_es: reply?.body_es ?? "", body_en: reply?.body_en ?? "" });
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const empty = texts.body_es.trim() === "" && texts.body_en.trim() === "";
  const wrong = (name: "body_es" | "body_en"): string | undefined => {
    const word = strange(texts[name]);
    if (word !== null) return t("replyStrange", { word: `{${word}}` });
    if (tried && empty && name === "body_es") return t("replyEmpty");
    return tried ? said.field(failure, name) : undefined;
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (busy || empty || strange(texts.body_es) !== null || strange(texts.body_en) !== null) return;
    setBusy(true);
    setFailure(null);
    const body = { body_es: texts.body_es.trim(), body_en: texts.body_en.trim() };
    try {
      if (reply) await api.put(`/replies/${reply.reply_id}`, body, `"${reply.version}"`);
      else await api.post("/replies", { ...body, shared: true });
      onDone();
    } catch (error) {
      setFailure(error);
      setBusy(false);
    }
  };
  const area = (name: "body_es" | "body_en", label: string, first: boolean) => (
    <div className="field">
      <label className="lab" htmlFor={`${form}-${name}`}>
        {label}
      </label>
      <textarea
        id={`${form}-${name}`}
        className="input"
        rows={4}
        maxLength={LONGEST}
        autoFocus={first}
        value={texts[name]}
        aria-invalid={wrong(name) ? true : undefined}
        aria-describedby={`${form}-${name}-e`}
        onChange={(event) => setTexts((now) => ({ ...now, [name]: event.target.value }))}
      />
      <ErrorLine id={`${form}-${name}-e`} error={wrong(name)} />
    </div>
  );
  return (
    <Dialog
      wide
      title={t(reply ? "editReply" : "newReply")}
      closeLabel={t("close")}
      onClose={onClose}
      footer={
        <>
          <Outcome failure={failure} />
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit" form={form} aria-disabled={busy || undefined}>
            {t(busy ? "saving" : "save")}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void submit(event)} noValidate aria-busy={busy}>
        {area("body_es", t("replyIn_es"), true)}
        {area("body_en", t("replyIn_en"), false)}
        <p className="x2 t13">{t("replyNames")}</p>
      </form>
    </Dialog>
  );
}
