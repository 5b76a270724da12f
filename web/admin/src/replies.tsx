/** The centre's saved replies, for every agent: written, changed, taken away. */
import { api, session } from "@contactcenter/shared/api";
import type { ReplyList, SavedReply } from "@contactcenter/shared/contract";
import { locale } from "@contactcenter/shared/prefs";
import { useSaid } from "@contactcenter/shared/problems";
import { useStore } from "@contactcenter/shared/store";
import { ErrorLine } from "@contactcenter/shared/ui";
import { useId, useState } from "react";

import { Moment, useAsked } from "./asked";
import { strange } from "./changes";
import { EditForm, type EditorProps, Listed } from "./frame";
import { useT } from "./texts";

const LONGEST = 4_000;

export function Replies() {
  const t = useT();
  const language = useStore(locale);
  const may = useStore(session)?.permissions.includes("queues.manage") ?? false;
  const all = useAsked<ReplyList>("/replies");
  const textOf = (one: SavedReply) => (language === "en" ? one.body_en || one.body_es : one.body_es || one.body_en);
  return (
    <Listed
      asked={all}
      items={all.value?.items.filter((one) => one.shared) ?? null}
      keyOf={(one) => one.reply_id}
      hint={t("repliesHint")}
      empty={t("noReplies")}
      heads={[t("replyText"), t("languages"), t("changed")]}
      may={may}
      make={t("newReply")}
      row={(one, opened) => (
        <>
          <th scope="row" className="wrap">
            {opened(textOf(one))}
          </th>
          <td className="t13 nw">{[one.body_es && "ES", one.body_en && "EN"].filter(Boolean).join(" · ")}</td>
          <td className="t13">
            <Moment at={one.updated_at} />
          </td>
        </>
      )}
      edit={(props) => <EditReply {...props} />}
      drop={{
        label: (one) => `${t("drop")}: ${textOf(one)}`,
        sure: () => t("dropReplySure"),
        hint: (one) => (
          <>
            <p className="wrap">{textOf(one)}</p>
            <p className="x2">{t("dropReplyHint")}</p>
          </>
        ),
        done: () => t("replyDropped"),
        send: (one) => api.delete(`/replies/${one.reply_id}`),
      }}
    />
  );
}

type Body = "body_es" | "body_en";

function EditReply({ one: reply, ...doors }: EditorProps<SavedReply>) {
  const t = useT();
  const said = useSaid();
  const id = useId();
  const [texts, setTexts] = useState({ body_es: reply?.body_es ?? "", body_en: reply?.body_en ?? "" });
  const empty = texts.body_es.trim() === "" && texts.body_en.trim() === "";
  const body = { body_es: texts.body_es.trim(), body_en: texts.body_en.trim() };
  const area = (name: Body, label: string, first: boolean, tried: boolean, failure: unknown) => {
    const word = strange(texts[name]);
    const unsaid = tried && empty && first ? t("replyEmpty") : tried ? said.field(failure, name) : undefined;
    const wrong = word === null ? unsaid : t("replyStrange", { word: `{${word}}` });
    return (
      <div className="field">
        <label className="lab" htmlFor={`${id}-${name}`}>
          {label}
        </label>
        <textarea
          id={`${id}-${name}`}
          className="input"
          rows={4}
          maxLength={LONGEST}
          autoFocus={first}
          value={texts[name]}
          aria-invalid={wrong ? true : undefined}
          aria-describedby={`${id}-${name}-e`}
          onChange={(event) => setTexts((now) => ({ ...now, [name]: event.target.value }))}
        />
        <ErrorLine id={`${id}-${name}-e`} error={wrong} />
      </div>
    );
  };
  return (
    <EditForm
      title={t(reply ? "editReply" : "newReply")}
      ready={!empty && strange(texts.body_es) === null && strange(texts.body_en) === null}
      send={() => (reply ? api.put(`/replies/${reply.reply_id}`, body, `"${reply.version}"`) : api.post("/replies", { ...body, shared: true }))}
      {...doors}
    >
      {({ tried, failure }) => (
        <>
          {area("body_es", t("replyIn_es"), true, tried, failure)}
          {area("body_en", t("replyIn_en"), false, tried, failure)}
          <p className="x2 t13">{t("replyNames")}</p>
        </>
      )}
    </EditForm>
  );
}
