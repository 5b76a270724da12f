/** The office's rules: days off, dated rates and times of the law, who decides what, who stands in for whom. */
import { session } from "@contactcenter/shared/api";
import { useStore } from "@contactcenter/shared/store";
import { Button, IconButton } from "@contactcenter/shared/ui";
import { useState } from "react";

import { useDesk } from "../context";
import { Read } from "./bits";
import { etagOf, useRead } from "./data";
import { Form, useForm } from "./form";
import { restored, saved } from "./kind";
import { type RuleRow, SECTIONS, type Section, useSection } from "./office";
import { place } from "./place";
import { Shell, Told, useAct } from "./Shell";
import { Choose } from "./TasksPage";
import { useW, type Word } from "./texts";

interface Listed {
  items: RuleRow[];
  /** Of the whole section; absent where each row is written by itself. */
  version?: number;
}

export function OfficePage({ section: asked }: { section: string }) {
  const say = useW();
  const desk = useDesk();
  const now = SECTIONS.find((one) => one === asked) ?? "holidays";
  return (
    <Shell
      title={say("office")}
      actions={
        <Choose label={say("officeSection")} options={SECTIONS} now={now} name={(one) => say(`os_${one}` as Word)} onPick={(one) => desk.turn(place("office", "", { section: one }))} />
      }
    >
      <Rules key={now} name={now} />
    </Shell>
  );
}

/** One section: its rows, and a form for one of them. */
function Rules({ name }: { name: Section }) {
  const say = useW();
  const kind = useSection(name);
  const may = useStore(session)?.permissions.includes(kind.right) ?? false;
  const rules = useRead<Listed>(`${kind.path}${kind.query}`);
  const [open, setOpen] = useState<RuleRow | "new" | null>(null);
  const [gone, setGone] = useState<{ row: RuleRow; was: RuleRow[] } | null>(null);
  const { busy, error, act } = useAct();
  const [dropWord, droppedWord] = kind.dropWords ?? (["takeAway", "tookAway"] as const);
  const take = (row: RuleRow, { items: was, version = 0 }: Listed) =>
    void act(async () => kind.drop?.(row, etagOf(version), was)).then((done) => {
      if (done) setGone({ row, was });
      setOpen(null);
      rules.retry();
    });
  const back = ({ row, was }: { row: RuleRow; was: RuleRow[] }, { items, version = 0 }: Listed) =>
    void act(() => restored(kind, row, etagOf(version), items, was)).then(() => {
      setGone(null);
      rules.retry();
    });
  return (
    <>
      <div className="row wrap-row">
        <p className="t13 x2 grow">{say(`ol_${name}` as Word)}</p>
        {kind.above}
        {may && kind.adds !== false && open === null && <Button size="small" kind="primary" icon="plus" onClick={() => setOpen("new")}>{say("newRow")}</Button>}
      </div>
      <Told error={error} />
      <Read of={rules} lines={6}>
        {({ items, version = 0 }) => (
          <>
            {open !== null && (
              <RuleForm
                key={open === "new" ? "new" : kind.id(open)}
                name={name}
                row={open === "new" ? null : (items.find((one) => kind.id(one) === kind.id(open)) ?? open)}
                all={items}
                version={version}
                onDone={() => {
                  setOpen(null);
                  setGone(null);
                  rules.retry();
                }}
                onReload={rules.retry}
                onLeave={() => setOpen(null)}
              />
            )}
            {gone && (
              <p className="t13 row wrap-row" role="status">
                {say(droppedWord, { what: kind.title(gone.row) })}
                <Button size="small" kind="quiet" disabled={busy} onClick={() => back(gone, { items, version })}>{say("putBack")}</Button>
              </p>
            )}
            {items.length === 0 ? (
              <p className="t13 x3">{say("noRules")}</p>
            ) : (
              <div className="tables" tabIndex={0} role="group" aria-label={say(`os_${name}` as Word)}>
                <table className="grid-table">
                  <thead>
                    <tr>
                      {kind.columns.map((one) => <th key={one.label} scope="col" className={one.num ? "num" : undefined}>{one.label}</th>)}
                      {may && <th scope="col"><span className="sr">{say("edit")}</span></th>}
                    </tr>
                  </thead>
                  <tbody>
                    {items.map((row) => (
                      <tr key={kind.id(row)}>
                        {kind.columns.map((one, n) => {
                          const shown = one.cell(row, items);
                          return n === 0 ? <th key={one.label} scope="row">{shown}</th> : <td key={one.label} className={one.num ? "num" : undefined}>{shown}</td>;
                        })}
                        {may && (
                          <td className="num">
                            {kind.fixed(row) ? null : (
                              <span className="row rule-acts">
                                {kind.edits !== false && <IconButton icon="edit" label={`${say("edit")}: ${kind.title(row)}`} onClick={() => setOpen(row)} />}
                                {kind.drop && <IconButton icon="close" label={`${say(dropWord)}: ${kind.title(row)}`} disabled={busy} onClick={() => take(row, { items, version })} />}
                              </span>
                            )}
                          </td>
                        )}
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )}
          </>
        )}
      </Read>
    </>
  );
}

interface RuleFormProps {
  name: Section;
  row: RuleRow | null;
  all: readonly RuleRow[];
  /** Of the section; of the row, where it has one of its own. */
  version: number;
  onDone: () => void;
  onReload: () => void;
  onLeave: () => void;
}

/** What a row is known by is set once: another day is another row. */
function RuleForm({ name, row, all, version, onDone, onReload, onLeave }: RuleFormProps) {
  const say = useW();
  const kind = useSection(name);
  const label = row ? `${say("edit")}: ${kind.title(row)}` : `${say("newRow")}: ${say(`os_${name}` as Word)}`;
  const form = useForm({
    id: `office ${name} ${row ? kind.id(row) : "new"}`,
    initial: row ? kind.values(row, all) : kind.initial,
    check: (values) => kind.check(values, row, all),
    version: row && "version" in row ? row.version : version,
    send: async (values, _changed, began) => {
      await saved(kind, values, row, all, began === null ? "*" : etagOf(began));
      onDone();
    },
  });
  return (
    <div className="card move">
      <h3 className="t14 b">{label}</h3>
      <Form form={form} label={label} submit={say("save")} onLeave={onLeave} onReload={onReload}>
        <div className="grid">
          {!row && kind.keys}
          {kind.fields(form.values, row, all)}
        </div>
      </Form>
    </div>
  );
}
