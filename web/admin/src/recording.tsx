/** What is recorded in which queue, how long it is kept, and who may hear it. */
import { api, session } from "@contactcenter/shared/api";
import type { RecordingRuleCard, RecordingRules } from "@contactcenter/shared/contract";
import { useStore } from "@contactcenter/shared/store";
import { useState } from "react";

import { useAsked } from "./asked";
import { EditForm, type EditorProps, Listed } from "./frame";
import { useT } from "./texts";
import { Ticks, useQueues } from "./user";
import { Choice } from "./users";

const MODES = ["inform", "opt_out", "opt_in", "off"] as const;
const CLASSES = ["standard", "contract", "claim", "health"] as const;

export function Recording() {
  const t = useT();
  const may = useStore(session)?.permissions.includes("queues.manage") ?? false;
  const rules = useAsked<RecordingRules>("/recording-rules");
  const queues = useQueues();
  const nameOf = (one: RecordingRuleCard) => queues.find(([key]) => key === one.queue)?.[1] ?? one.queue;
  return (
    <Listed
      asked={rules}
      items={rules.value?.items ?? null}
      keyOf={(one) => one.queue}
      hint={t("recordingHint")}
      empty={t("noQueues")}
      heads={[t("queue"), t("recordMode"), t("keptAs"), t("recordAlso")]}
      may={may}
      row={(one, opened) => (
        <>
          <th scope="row">
            {opened(<span className="b">{nameOf(one)}</span>, t("edit", { name: nameOf(one) }))}
            <code className="t12 x3 line">{one.queue}</code>
          </th>
          <td>{t(`mode_${one.mode}`)}</td>
          <td className="t13">{one.mode === "off" ? <span className="x3">{t("nothingKept")}</span> : t(`class_${one.retention}`)}</td>
          <td className="t13">{[one.aside && t("asideShort"), one.health && t("healthShort")].filter(Boolean).join(" · ")}</td>
        </>
      )}
      edit={(props) => props.one && <EditRule {...props} one={props.one} name={nameOf(props.one)} />}
    />
  );
}

function EditRule({ one, name, ...doors }: Omit<EditorProps<RecordingRuleCard>, "one"> & { one: RecordingRuleCard; name: string }) {
  const t = useT();
  const [mode, setMode] = useState(one.mode);
  const [retention, setRetention] = useState(one.retention);
  const [ticked, setTicked] = useState([one.aside && "aside", one.health && "health"].filter((key) => key !== false));
  const send = () =>
    api.put(`/recording-rules/${one.queue}`, { mode, retention, aside: ticked.includes("aside"), health: ticked.includes("health") }, `"${one.version}"`);
  return (
    <EditForm title={t("recordingOf", { queue: name })} ready send={send} {...doors}>
      {() => (
        <>
          <Choice label={t("recordMode")} value={mode} options={MODES.map((key) => [key, t(`mode_${key}`)] as const)} onChange={(key) => setMode(key as typeof mode)} />
          <Choice label={t("keptAs")} value={retention} options={CLASSES.map((key) => [key, t(`class_${key}`)] as const)} onChange={(key) => setRetention(key as typeof retention)} />
          <Ticks
            label={t("recordAlso")}
            options={[
              ["aside", t("asideLong")],
              ["health", t("healthLong")],
            ]}
            chosen={ticked}
            onChange={setTicked}
          />
          <p className="x3 t13">{t("recordingFrom")}</p>
        </>
      )}
    </EditForm>
  );
}
