/** Files that may be the same person's: laid side by side, merged here, and taken back. */
import { api } from "@contactcenter/shared/api";
import type { CustomerOut, CustomerStats, Duplicates, MergeOut } from "@contactcenter/shared/contract";
import { isKept, shown } from "@contactcenter/shared/dates";
import { Icon } from "@contactcenter/shared/icons";
import { Button, cls } from "@contactcenter/shared/ui";
import { useState } from "react";

import { NotWritable, Read, Row, Section, To } from "./bits";
import { compared } from "./compare";
import { etagOf, orAnew, useRead } from "./data";
import { useFormats } from "./format";
import { place } from "./place";
import { Told, useAct } from "./Shell";
import { named, useW } from "./texts";

export function SamePerson({ customer, onStale }: { customer: CustomerOut; onStale: () => void }) {
  const say = useW();
  const id = customer.customer_id;
  const alike = useRead<Duplicates>(`/customers/${id}/duplicates`, id);
  const { busy, error, done, act } = useAct();
  const [merge, setMerge] = useState<MergeOut | null>(null);
  const [other, setOther] = useState<string | null>(null);
  const rows = alike.kind === "there" ? alike.value.items : [];
  if (rows.length === 0 && merge === null) return null;
  return (
    <Section title={say("duplicates")} count={rows.length}>
      <p className="t13 x2">{say("duplicatesHint")}</p>
      <ul className="things">
        {rows.map(({ customer: one, score, by }) => (
          <Row
            key={one.customer_id}
            icon="people"
            place={place("customer", one.customer_id)}
            title={one.name}
            end={
              <Button size="small" aria-expanded={other === one.customer_id} onClick={() => setOther(other === one.customer_id ? null : one.customer_id)}>
                {say("compare")}
                <span className="sr"> {one.name}</span>
              </Button>
            }
            detail={say("likeness", { score, by: by.map((way) => named(say, "by", way)).join(", ") })}
          />
        ))}
      </ul>
      {other && (
        <SideBySide
          here={customer}
          other={other}
          busy={busy}
          onClose={() => setOther(null)}
          onMerge={() =>
            void act(async () => {
              setMerge(await orAnew(api.post<MergeOut>(`/customers/${id}/merge`, { loser_id: other }, { etag: etagOf(customer.version) }), onStale));
              setOther(null);
              alike.retry();
            })
          }
        />
      )}
      {merge && (
        <p className="row t13" role="status">
          {say("merged", { count: Object.values(merge.moved).reduce((sum, n) => sum + n, 0) })}
          <Button
            size="small"
            disabled={busy}
            onClick={() =>
              void act(async () => {
                await api.post(`/customer-merges/${merge.merge_id}/undo`);
                setMerge(null);
                alike.retry();
              }, say("mergeUndone"))
            }
          >
            {say("undo")}
          </Button>
        </p>
      )}
      <Told error={error} done={done} />
    </Section>
  );
}

/** Of a file that became part of another: which one, and the way back for whoever may take it. */
export function Merged({ customer, onParted }: { customer: CustomerOut; onParted: () => void }) {
  const say = useW();
  const { busy, error, done, act } = useAct();
  const undo = () => void act(() => api.post(`/customer-merges/${customer.merge_id}/undo`), say("mergeUndone")).then((parted) => parted && onParted());
  return (
    <>
      {customer.merged_into && (
        <p className="box-msg warn">
          <Icon name="swap" />
          <span>{say("mergedInto")} <To place={place("customer", customer.merged_into)}>{say("openThat")}</To></span>
          {customer.merge_id && <Button size="small" disabled={busy} onClick={undo}>{say("undo")}</Button>}
        </p>
      )}
      <Told error={error} done={done} />
    </>
  );
}

interface Sides {
  here: CustomerOut;
  other: string;
  busy: boolean;
  onMerge: () => void;
  onClose: () => void;
}

function SideBySide({ here, other, busy, onMerge, onClose }: Sides) {
  const say = useW();
  const { day } = useFormats();
  const card = useRead<CustomerOut>(`/customers/${other}`, other);
  const mine = useRead<CustomerStats>(`/customers/${here.customer_id}/stats`, here.customer_id);
  const theirs = useRead<CustomerStats>(`/customers/${other}/stats`, other);
  const read = (text: string) => (text === "" ? "—" : isKept(text) ? shown(text) : text);
  const count = (of: typeof mine, name: "policies" | "claims" | "interactions_90_days") => (of.kind === "there" ? String(of.value[name]) : "…");
  return (
    <div className="card side-by-side">
      <Read of={card} lines={4}>
        {(there) => (
          <>
            <table className="compared">
              <thead>
                <tr>
                  <th scope="col"><span className="sr">{say("data")}</span></th>
                  <th scope="col">{say("thisFile")}</th>
                  <th scope="col"><To place={place("customer", other)}>{say("otherFile")}</To></th>
                </tr>
              </thead>
              <tbody>
                {compared(here, there).map((line) => (
                  <tr key={line.label} className={cls(line.differs && "differs")}>
                    <th scope="row">{say(line.label)}</th>
                    <td>{read(line.here)}</td>
                    <td>
                      {read(line.there)}
                      {line.differs && <span className="row g4 c-warn t12 nowrap"><Icon name="triangle" size={12} />{say("differs")}</span>}
                    </td>
                  </tr>
                ))}
                {(["policies", "claims", "interactions_90_days"] as const).map((name) => (
                  <tr key={name}>
                    <th scope="row">{say(name === "interactions_90_days" ? "contacts90" : name === "claims" ? "claimsAll" : name)}</th>
                    <td>{count(mine, name)}</td>
                    <td>{count(theirs, name)}</td>
                  </tr>
                ))}
                <tr>
                  <th scope="row">{say("openedOn")}</th>
                  <td>{day(here.created_at)}</td>
                  <td>{day(there.created_at)}</td>
                </tr>
              </tbody>
            </table>
            {there.writable ? <p className="t13 x2">{say("mergeKeeps")}</p> : <NotWritable />}
            <div className="row end-row">
              <Button size="small" kind="quiet" onClick={onClose}>{say("close")}</Button>
              {there.writable && <Button size="small" kind="primary" disabled={busy} onClick={onMerge}>{say("merge")}</Button>}
            </div>
          </>
        )}
      </Read>
    </div>
  );
}
