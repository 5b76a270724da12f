/** The audit log: searched, each line with what was before and after, and its place in the chain. */
import { api } from "@contactcenter/shared/api";
import type { AuditRow, AuditVerdict } from "@contactcenter/shared/contract";
import { DayField } from "@contactcenter/shared/dateinput";
import { Icon } from "@contactcenter/shared/icons";
import { Outcome } from "@contactcenter/shared/outcome";
import { Button, Chip, Field, IconButton } from "@contactcenter/shared/ui";
import { Fragment, useId, useState } from "react";

import { Box, Moment, usePages, useSettled } from "./asked";
import { type Change, changesOf, dayEnd, dayStart } from "./changes";
import { type Key, useT } from "./texts";

export function Audit() {
  const t = useT();
  const [typed, setTyped] = useState({ action: "", resource_type: "", resource_id: "", since: "", until: "" });
  const [of, setOf] = useState<{ id: string; name: string } | null>(null);
  const [open, setOpen] = useState<string | null>(null);
  const settled = JSON.parse(useSettled(JSON.stringify(typed))) as typeof typed;
  const { items, next, failure, more, again } = usePages<AuditRow>("/audit", {
    action: settled.action.trim(),
    resource_type: settled.resource_type.trim(),
    resource_id: settled.resource_id.trim(),
    since: dayStart(settled.since),
    until: dayEnd(settled.until),
    user_id: of?.id ?? "",
  });
  const field = (name: keyof typeof typed) => ({
    value: typed[name],
    maxLength: 100,
    onChange: (event: { target: { value: string } }) => setTyped({ ...typed, [name]: event.target.value }),
  });
  return (
    <>
      <div className="tools">
        <Field label={t("action")} placeholder="user" title={t("actionHint")} spellCheck={false} {...field("action")} />
        <Field label={t("resourceType")} spellCheck={false} {...field("resource_type")} />
        <Field label={t("resourceId")} spellCheck={false} {...field("resource_id")} />
        <DayField label={t("since")} value={typed.since} onChange={(since) => setTyped({ ...typed, since })} />
        <DayField label={t("until")} value={typed.until} onChange={(until) => setTyped({ ...typed, until })} />
      </div>
      <Chain />
      {of && (
        <p>
          <Button size="small" icon="close" aria-label={`${t("onlyOf", { name: of.name })}. ${t("everybody")}`} onClick={() => setOf(null)}>
            {t("onlyOf", { name: of.name })}
          </Button>
        </p>
      )}
      <Box items={items} failure={failure} again={again} empty={t("noEntries")}>
        <table className="list">
          <thead>
            <tr>
              <th scope="col">
                <span className="sr">{t("show")}</span>
              </th>
              {(["when", "who", "action", "what", "chain"] satisfies Key[]).map((name) => (
                <th key={name} scope="col">
                  {t(name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items?.map((row) => (
              <Line
                key={row.id}
                row={row}
                open={open === row.id}
                onOpen={() => setOpen(open === row.id ? null : row.id)}
                onOnly={(id, name) => setOf({ id, name })}
              />
            ))}
          </tbody>
        </table>
      </Box>
      {next && <Button onClick={() => void more()}>{t("more")}</Button>}
    </>
  );
}

/** Has the whole chain walked, and tells what came of it. */
function Chain() {
  const t = useT();
  const [busy, setBusy] = useState(false);
  const [verdict, setVerdict] = useState<AuditVerdict | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const verify = async () => {
    if (busy) return;
    setBusy(true);
    setFailure(null);
    setVerdict(null);
    try {
      setVerdict(await api.get<AuditVerdict>("/audit/verify"));
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="chain" aria-busy={busy}>
      <div className="row chain-hint t13 x2">
        <Icon name="shield" />
        <span className="grow">{t("chainHint")}</span>
        <Button size="small" aria-disabled={busy || undefined} onClick={() => void verify()}>
          {t(busy ? "verifying" : "verify")}
        </Button>
      </div>
      <div role="status">
        {failure ? <Outcome failure={failure} /> : null}
        {verdict?.intact && (
          <p className="box-msg ok">
            <Icon name="check" />
            <span className="grow">
              {t("intact", { count: verdict.rows })} <code className="t12 line">{verdict.head}</code>
            </span>
          </p>
        )}
        {verdict && !verdict.intact && (
          <div className="box-msg bad">
            <Icon name="octagon" />
            <div className="grow">
              <p className="b">{t("notIntact")}</p>
              <ul>
                {verdict.faults.map((fault) => (
                  <li key={fault}>
                    <code>{fault}</code>
                  </li>
                ))}
              </ul>
            </div>
          </div>
        )}
      </div>
    </div>
  );
}

function Line({ row, open, onOpen, onOnly }: { row: AuditRow; open: boolean; onOpen: () => void; onOnly: (id: string, name: string) => void }) {
  const t = useT();
  const id = useId();
  const name = row.user_name ?? (row.actor === "system" || row.actor === "anonymous" ? t(row.actor) : row.actor);
  return (
    <Fragment>
      <tr>
        <td className="opener">
          <IconButton icon={open ? "down" : "right"} label={t(open ? "hide" : "show")} aria-expanded={open} aria-controls={open ? id : undefined} onClick={onOpen} />
        </td>
        <td>
          <Moment at={row.at} seconds />
        </td>
        <td>
          {row.user_id ? (
            <button type="button" className="link" aria-label={t("onlyHint", { name })} onClick={() => onOnly(row.user_id ?? "", name)}>
              {name}
            </button>
          ) : (
            name
          )}
        </td>
        <td>
          <code>{row.action}</code>
        </td>
        <td>
          {row.resource_type} <code className="x3 t12 line">{row.resource_id}</code>
        </td>
        <td>
          {row.seq === null ? (
            <Chip icon="clock">{t("unchained")}</Chip>
          ) : (
            <Chip tone="ok" icon="shield">
              {t("chained", { seq: row.seq })}
            </Chip>
          )}
        </td>
      </tr>
      {open && (
        <tr className="detail" id={id}>
          <td colSpan={6}>
            <Detail row={row} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

function Detail({ row }: { row: AuditRow }) {
  const t = useT();
  const changes = changesOf(row.before, row.after);
  return (
    <div className="detail-box">
      {row.erased && (
        <p>
          <Chip icon="close">{t("erasedData")}</Chip>
        </p>
      )}
      <p className="t13 x2">
        {row.address && `${t("from")} ${row.address}`}
        {row.user_agent && ` · ${t("browser")}: ${row.user_agent}`}
      </p>
      {changes.length === 0 ? (
        <p className="t13 x3">{t("noChange")}</p>
      ) : (
        <table className="changes">
          <thead>
            <tr>
              {(["field", "before", "after"] satisfies Key[]).map((name) => (
                <th key={name} scope="col">
                  {t(name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {changes.map((change: Change) => (
              <tr key={change.field}>
                <th scope="row">{change.field}</th>
                <td>{change.before ?? "—"}</td>
                <td>{change.after ?? "—"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
