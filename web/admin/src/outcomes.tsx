/** What contacts are closed with: the words, in which queues they are offered, and in which order. */
import { api, session } from "@contactcenter/shared/api";
import type { Disposition, DispositionEdit, DispositionList } from "@contactcenter/shared/contract";
import { locale } from "@contactcenter/shared/prefs";
import { useSaid } from "@contactcenter/shared/problems";
import { useStore } from "@contactcenter/shared/store";
import { Field } from "@contactcenter/shared/ui";
import { useState } from "react";

import { useAsked } from "./asked";
import { EditForm, type EditorProps, Listed } from "./frame";
import { keyOf } from "./teams";
import { useT } from "./texts";
import { Ticks, useQueues } from "./user";
import { Choice } from "./users";

const MOST = 10_000;
const LONGEST = 80;

export function Outcomes() {
  const t = useT();
  const language = useStore(locale);
  const may = useStore(session)?.permissions.includes("queues.manage") ?? false;
  const all = useAsked<DispositionList>("/dispositions");
  const items = all.value?.items ?? null;
  const queues = useQueues(items?.flatMap((one) => one.queue ?? []));
  const nameOf = (one: Disposition) => (language === "en" ? one.label_en : one.label_es);
  return (
    <Listed
      asked={all}
      items={items}
      keyOf={(one) => one.key}
      hint={t("outcomesHint")}
      empty={t("noOutcomes")}
      heads={[t("closedWith"), t("offeredIn"), t("order"), t("outcomeUse")]}
      may={may}
      make={t("newOutcome")}
      row={(one, opened) => (
        <>
          <th scope="row">
            {opened(<span className="b">{nameOf(one)}</span>, t("edit", { name: nameOf(one) }))}
            <code className="t12 x3 line">{one.key}</code>
          </th>
          <td>{one.queue === null ? t("everyQueue") : (queues.find(([key]) => key === one.queue)?.[1] ?? one.queue)}</td>
          <td className="t13">{t("place", { place: one.ordinal })}</td>
          <td className="t13">{one.retired ? <span className="x3">{t("retired")}</span> : t("inUse")}</td>
        </>
      )}
      edit={(props) => <EditOutcome {...props} all={items ?? []} queues={queues} />}
    />
  );
}

interface EditOutcomeProps extends EditorProps<Disposition> {
  all: Disposition[];
  queues: readonly (readonly [string, string, string])[];
}

function EditOutcome({ one: outcome, all, queues, ...doors }: EditOutcomeProps) {
  const t = useT();
  const said = useSaid();
  const [labels, setLabels] = useState({ label_es: outcome?.label_es ?? "", label_en: outcome?.label_en ?? "" });
  const [queue, setQueue] = useState(outcome?.queue ?? "");
  const [order, setOrder] = useState(String(outcome?.ordinal ?? 1 + Math.max(-1, ...all.map((one) => one.ordinal))));
  const [offered, setOffered] = useState(!(outcome?.retired ?? false));
  const key = outcome?.key ?? keyOf(labels.label_en);
  const taken = !outcome && (key === "none" || all.some((one) => one.key === key));
  const ordinal = /^\d{1,5}$/.test(order.trim()) ? Number(order) : NaN;
  const wrong = {
    label_es: labels.label_es.trim() === "" ? said.empty : undefined,
    label_en: key === "" || labels.label_en.trim() === "" ? said.empty : taken ? t("outcomeTaken", { key }) : undefined,
    ordinal: ordinal <= MOST ? undefined : t("orderWrong"),
  };
  const body: DispositionEdit = {
    label_es: labels.label_es.trim(),
    label_en: labels.label_en.trim(),
    queue: queue || null,
    ordinal,
    retired: !offered,
  };
  return (
    <EditForm
      title={t(outcome ? "editOutcome" : "newOutcome")}
      ready={Object.values(wrong).every((one) => one === undefined)}
      send={() => (outcome ? api.put(`/dispositions/${key}`, body, `"${outcome.version}"`) : api.post("/dispositions", { ...body, key }))}
      {...doors}
    >
      {({ tried, failure }) => (
        <>
          {(["label_es", "label_en"] as const).map((name) => (
            <Field
              key={name}
              label={t(name === "label_es" ? "replyIn_es" : "replyIn_en")}
              value={labels[name]}
              maxLength={LONGEST}
              onChange={(event) => setLabels((now) => ({ ...now, [name]: event.target.value }))}
              error={tried ? (wrong[name] ?? said.field(failure, name)) : undefined}
            />
          ))}
          <div className="pair">
            <Choice
              label={t("offeredIn")}
              value={queue}
              options={[["", t("everyQueue")], ...queues.map(([name, words]) => [name, words] as const)]}
              onChange={setQueue}
            />
            <Field
              label={t("order")}
              type="number"
              min={0}
              max={MOST}
              value={order}
              onChange={(event) => setOrder(event.target.value)}
              error={tried ? (wrong.ordinal ?? said.field(failure, "ordinal")) : undefined}
            />
          </div>
          <Ticks label={t("outcomeUse")} options={[["offered", t("outcomeOffered")]]} chosen={offered ? ["offered"] : []} onChange={(keys) => setOffered(keys.length > 0)} />
          <p className="x3 t13">{t("outcomeRetire")}</p>
        </>
      )}
    </EditForm>
  );
}
