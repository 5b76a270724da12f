/** Customers and policies from a CSV file: what it would do, row by row, then all of it or nothing. */
import { api, ApiError, request } from "@contactcenter/shared/api";
import type { CellFault, Imported, ImportRow, Preview } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { locale } from "@contactcenter/shared/prefs";
import { useStore } from "@contactcenter/shared/store";
import { Button, cls } from "@contactcenter/shared/ui";
import { useId, useRef, useState } from "react";

import { useDesk } from "../context";
import { Section, To } from "./bits";
import { useKeepsOffice } from "./Closing";
import { place } from "./place";
import { refusal } from "./refused";
import { Shell } from "./Shell";
import { Choose } from "./TasksPage";
import { named, useW, type w, type Word } from "./texts";

const WHAT = ["customers", "policies"] as const;
type What = (typeof WHAT)[number];
const DUPLICATES = ["refuse", "skip", "create"] as const;
type Duplicates = (typeof DUPLICATES)[number];

/** What is wrong with a cell: our own words for the fault, the server's sentence for one without. */
function faultText(say: typeof w, { type, msg }: CellFault): string {
  const word = named(say, "f", type);
  return word === type.replaceAll("_", " ") ? msg : word;
}

export function ImportPage() {
  const say = useW();
  const permitted = useKeepsOffice();
  const [what, setWhat] = useState<What>("customers");
  return (
    <Shell
      title={say("importTitle")}
      actions={<Choose label={say("importWhat")} options={WHAT} now={what} name={(one) => say(one)} onPick={setWhat} />}
    >
      {permitted ? (
        <>
          <Importing key={what} what={what} />
          <Exporting what={what} />
        </>
      ) : (
        <p className="box-msg calm"><Icon name="lock" />{say("importNotYours")}</p>
      )}
    </Shell>
  );
}

function Importing({ what }: { what: What }) {
  const say = useW();
  const desk = useDesk();
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [columns, setColumns] = useState<Readonly<Record<number, string>>>({});
  const [preview, setPreview] = useState<Preview | null>(null);
  const [duplicates, setDuplicates] = useState<Duplicates>("refuse");
  const [busy, setBusy] = useState<"read" | "write" | null>(null);
  const [error, setError] = useState<string>();
  const [done, setDone] = useState<Imported | null>(null);
  const query = (given: Readonly<Record<number, string>>): URLSearchParams => {
    const made = new URLSearchParams();
    for (const [at, field] of Object.entries(given)) made.append("column", `${at}:${field}`);
    return made;
  };
  const send = <T,>(path: string, chosen: File) =>
    request<T>("POST", `/imports/${what}${path}`, { file: { content: chosen, type: "text/csv" }, key: crypto.randomUUID() });
  const told = (problem: unknown): string => {
    if (problem instanceof ApiError) {
      const found = problem.errors[0];
      if (found && found.loc.includes("file")) return faultText(say, { field: null, type: found.type, ctx: found.ctx ?? {}, msg: found.msg });
      if (problem.status === 413) return say("f_file_too_large");
      if (problem.ctx.reason === "duplicates") return say("importDecide");
    }
    return refusal(problem, say);
  };
  const read = async (chosen: File, given: Readonly<Record<number, string>>) => {
    setBusy("read");
    setError(undefined);
    setDone(null);
    try {
      setPreview(await send<Preview>(`/preview?${query(given)}`, chosen));
    } catch (problem) {
      setPreview(null);
      setError(told(problem));
    } finally {
      setBusy(null);
    }
  };
  const write = async () => {
    if (!file) return;
    setBusy("write");
    setError(undefined);
    const asked = query(columns);
    asked.set("duplicates", duplicates);
    try {
      setDone(await send<Imported>(`?${asked}`, file));
      setPreview(null);
      setFile(null);
      setColumns({});
      if (input.current) input.current.value = "";
    } catch (problem) {
      setError(told(problem));
    } finally {
      setBusy(null);
    }
  };
  const blocked = preview !== null && (preview.faulty > 0 || (preview.duplicate > 0 && duplicates === "refuse"));
  return (
    <>
      <p className="t13 x2">{say("importHint")}</p>
      <div className="row wrap-row">
        <label className="btn" htmlFor={id}><Icon name="upload" />{say("importChoose")}</label>
        <input
          ref={input}
          id={id}
          className="sr"
          type="file"
          accept=".csv,text/csv"
          onChange={(event) => {
            const chosen = event.target.files?.[0] ?? null;
            setFile(chosen);
            setColumns({});
            if (chosen) void read(chosen, {});
          }}
        />
        <span className="t13 x2 cut">{file ? file.name : say("importNone")}</span>
        {busy === "read" && <span className="t13 x3" role="status">{say("importReading")}</span>}
      </div>
      {error && <p className="box-msg bad" role="alert"><Icon name="octagon" />{error}</p>}
      {done && (
        <p className="box-msg ok" role="status">
          <Icon name="check" />
          <span>{say("importDone", { count: done.created })} {done.skipped > 0 && say("importSkipped", { count: done.skipped })} <To place={place("customers")}>{say("customers")}</To></span>
        </p>
      )}
      {preview && file && (
        <>
          <p className="t13" role="status">
            <b>{say("importRows", { count: preview.rows })}</b> · <span className="c-ok">{say("importGood", { count: preview.good })}</span>
            {preview.faulty > 0 && <> · <span className="c-bad">{say("importFaulty", { count: preview.faulty })}</span></>}
            {preview.duplicate > 0 && <> · <span className="c-warn">{say("importDuplicate", { count: preview.duplicate })}</span></>}
          </p>
          <Columns
            preview={preview}
            onPick={(at, field) => {
              const next = { ...columns, [at]: field };
              setColumns(next);
              void read(file, next);
            }}
          />
          <Rows preview={preview} />
          {preview.duplicate > 0 && (
            <div className="row wrap-row">
              <span className="t13">{say("importOnFile")}</span>
              <Choose label={say("importOnFile")} options={DUPLICATES} now={duplicates} name={(one) => say(`dup_${one}` as Word)} onPick={setDuplicates} />
            </div>
          )}
          <div className="row end-row">
            <span className="t13 x3 grow">{say("importAllOrNothing")}</span>
            <Button onClick={desk.goBack}>{say("cancel")}</Button>
            <Button kind="primary" disabled={blocked || busy !== null} onClick={() => void write()}>
              {busy === "write" ? say("saving") : say("importGo", { count: preview.good })}
            </Button>
          </div>
        </>
      )}
    </>
  );
}

function Columns({ preview, onPick }: { preview: Preview; onPick: (at: number, field: string) => void }) {
  const say = useW();
  return (
    <Section title={say("importColumns")}>
      <div className="import-columns">
        {preview.columns.map((one, at) => (
          <label key={at} className="t13">
            <span className="cut b">{one.heading || `${at + 1}`}</span>
            <select className="input small" value={one.field ?? ""} onChange={(event) => onPick(at, event.target.value)}>
              <option value="">{say("importIgnore")}</option>
              {preview.fields.map((field) => <option key={field} value={field}>{named(say, "col", field)}</option>)}
            </select>
          </label>
        ))}
      </div>
    </Section>
  );
}

function Rows({ preview }: { preview: Preview }) {
  const say = useW();
  const fields = preview.columns.map((one) => one.field).filter((field): field is string => field !== null);
  return (
    <Section title={say("importPreview")} count={preview.items.length}>
      <div className="tables" tabIndex={0} role="group" aria-label={say("importPreview")}>
        <table className="grid-table">
          <thead>
            <tr>
              <th scope="col">{say("importLine")}</th>
              {fields.map((field) => <th key={field} scope="col">{named(say, "col", field)}</th>)}
            </tr>
          </thead>
          <tbody>{preview.items.map((row) => <OneRow key={row.line} row={row} fields={fields} />)}</tbody>
        </table>
      </div>
      {preview.more && <p className="t13 x3">{say("importMore")}</p>}
    </Section>
  );
}

function OneRow({ row, fields }: { row: ImportRow; fields: readonly string[] }) {
  const say = useW();
  const bad = new Set(row.errors.map((one) => one.field));
  return (
    <>
      <tr>
        <th scope="row">
          {row.line} {row.errors.length > 0 && <Icon name="octagon" size={12} className="c-bad" />}
          {row.errors.length === 0 && row.duplicates.length > 0 && <Icon name="people" size={12} className="c-warn" />}
        </th>
        {fields.map((field) => <td key={field} className={cls("cell", bad.has(field) && "wrong")}>{row.values[field] ?? ""}</td>)}
      </tr>
      {(row.errors.length > 0 || row.duplicates.length > 0) && (
        <tr className="row-note">
          <td colSpan={fields.length + 1}>
            {row.errors.map((one, n) => (
              <p key={n} className="c-bad">{one.field && <b>{named(say, "col", one.field)}: </b>}{faultText(say, one)}</p>
            ))}
            {row.duplicates.map((one) => (
              <p key={one.id} className="c-warn">
                {say(one.certain ? "importSame" : "importLike")} {one.name} {one.by.length > 0 && `(${one.by.map((by) => named(say, "by", by)).join(", ")})`}
              </p>
            ))}
          </td>
        </tr>
      )}
    </>
  );
}

function Exporting({ what }: { what: What }) {
  const say = useW();
  const language = useStore(locale);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const url = URL.createObjectURL(await api.blob(`/exports/${what}?language=${language}`));
      const link = document.createElement("a");
      link.href = url;
      link.download = `${say(what)}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (problem) {
      setError(refusal(problem, say));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Section title={say("exportTitle")}>
      <p className="t13 x2">{say("exportHint")}</p>
      <div className="row"><Button size="small" icon="take" disabled={busy} onClick={() => void save()}>{say("exporting")}: {say(what)}</Button></div>
      {error && <p className="c-bad t13" role="alert">{error}</p>}
    </Section>
  );
}
