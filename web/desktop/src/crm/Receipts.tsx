/** A policy's receipts along both axes: how they are collected, and what became of them with the insurer. */
import { api } from "@contactcenter/shared/api";
import { type PolicyOut, RECEIPT_EDGES, type ReceiptOut, type Receipts } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { instant, now } from "@contactcenter/shared/time";
import { Button, Chip, Menu, type MenuEntry } from "@contactcenter/shared/ui";
import { type ReactNode, useState } from "react";

import { useDesk } from "../context";
import { Read, ReceiptChip, Section } from "./bits";
import { etagOf, orAnew, useRead } from "./data";
import { type Checks, Form, In, Pick, useForm, type Values } from "./form";
import { useFormats } from "./format";
import { place } from "./place";
import { Told, useAct } from "./Shell";
import { named, useW, type Word } from "./texts";

const EDGES: Readonly<Record<string, readonly string[]>> = RECEIPT_EDGES;
const CODES = ["AM04", "MD01", "AC04", "MS02", "MD06"] as const;
/** Moves that happened at a time of their own: a payment, a return. The others are when they are noted. */
const DATED: ReadonlySet<string> = new Set(["collected", "paid_at_broker", "returned"]);
/** Only what the broker collected is settled, and once; only what is unpaid is claimed, and once. */
const settles = (one: ReceiptOut): boolean => one.settled_at === null && (one.state === "paid_at_broker" || (one.state === "collected" && one.collected_by === "broker"));
const claims = (one: ReceiptOut): boolean => one.paid_at === null && one.claimed_at === null && one.state !== "cancelled";

export function ReceiptList({ policy }: { policy: PolicyOut }) {
  const say = useW();
  const desk = useDesk();
  const receipts = useRead<Receipts>(`/policies/${policy.policy_id}/receipts`, policy.customer_id, "receipt");
  const { busy, error, act } = useAct();
  const [settled, setSettling] = useState<string | null>(null);
  const [moved, setMoving] = useState<Dated | null>(null);
  const moving = receipts.kind === "there" ? receipts.value.items.find((one) => one.receipt_id === moved?.receipt && EDGES[one.state]?.includes(moved.to)) : undefined;
  const settling = receipts.kind === "there" ? receipts.value.items.find((one) => one.receipt_id === settled) : undefined;
  const claimed = (one: ReceiptOut) => void act(() => api.post(`/receipts/${one.receipt_id}/claimed`, undefined, { etag: etagOf(one.version) })).then(receipts.retry);
  const move = (one: ReceiptOut, state: string) => {
    if (DATED.has(state)) setMoving({ receipt: one.receipt_id, to: state });
    else void act(() => api.post(`/receipts/${one.receipt_id}/move`, { state }, { etag: etagOf(one.version) })).then(receipts.retry);
  };
  return (
    <Section
      title={say("receipts")}
      count={receipts.kind === "there" ? receipts.value.items.length : undefined}
      aside={policy.writable && <Button size="small" kind="quiet" icon="plus" onClick={() => desk.go(place("policy", policy.policy_id, { form: "receipt" }))}>{say("addReceipt")}</Button>}
    >
      <Told error={error} />
      {settling && <SettleForm key={settling.receipt_id} receipt={settling} onDone={receipts.retry} onLeave={() => setSettling(null)} />}
      {moving && moved && <MoveForm key={`${moved.receipt} ${moved.to}`} receipt={moving} to={moved.to} onDone={receipts.retry} onLeave={() => setMoving(null)} />}
      <Read of={receipts}>
        {({ items }) => (items.length === 0 ? <p className="t13 x3">{say("noReceipts")}</p> : <ReceiptTable items={items} moves={policy.writable} busy={busy} onMove={move} onSettle={(one) => setSettling(one.receipt_id)} onClaimed={claimed} />)}
      </Read>
    </Section>
  );
}

interface Dated {
  receipt: string;
  to: string;
}

interface Opened {
  receipt: ReceiptOut;
  onDone: () => void;
  onLeave: () => void;
}

interface SmallProps extends Opened {
  id: string;
  what: string;
  initial: Values;
  check: (values: Values) => Checks;
  /** The command's path under the receipt, and its body. */
  command: string;
  body: (values: Values, changed: ReadonlySet<string>) => object;
  children: ReactNode;
}

/** A command on one receipt that wants a word more, above the table. */
function Small({ receipt, onDone, onLeave, id, what, initial, check, command, body, children }: SmallProps) {
  const say = useW();
  const label = `${what} · ${receipt.number}`;
  const form = useForm({
    id,
    initial,
    check,
    send: async (v, changed) => {
      await orAnew(api.post(`/receipts/${receipt.receipt_id}/${command}`, body(v, changed), { etag: etagOf(receipt.version) }), onDone);
      onLeave();
      onDone();
    },
  });
  return (
    <div className="card move">
      <h3 className="t14 b">{label}</h3>
      <Form form={form} label={label} submit={say("save")} onLeave={onLeave} onReload={onDone}>
        <div className="grid">{children}</div>
      </Form>
    </div>
  );
}

/** A payment or a return, with the moment it happened: the days of grace count from there. */
function MoveForm({ to, ...opened }: Opened & { to: string }) {
  const say = useW();
  return (
    <Small
      {...opened}
      id={`receipt ${opened.receipt.receipt_id} ${to}`}
      what={say(`rs_${to}` as Word)}
      initial={{ at: now(), return_code: CODES[0] }}
      check={(v) => ({ at: (v.at ?? "") > now() ? "in_future" : null })}
      command="move"
      body={(v, changed) => ({ state: to, ...(changed.has("at") ? { at: instant(v.at ?? "") } : {}), ...(to === "returned" ? { return_code: v.return_code } : {}) })}
    >
      <In name="at" label={say("happenedAt")} type="datetime-local" />
      {to === "returned" && <Pick name="return_code" label={say("returnCode")} choices={CODES.map((one) => [one, named(say, "rc", one)] as const)} />}
    </Small>
  );
}

/** That what was collected has been passed on, under the insurer's statement. */
function SettleForm(opened: Opened) {
  const say = useW();
  return (
    <Small
      {...opened}
      id={`settle ${opened.receipt.receipt_id}`}
      what={say("settle")}
      initial={{ reference: "" }}
      check={(v) => ({ reference: v.reference?.trim() ? null : "missing" })}
      command="settle"
      body={(v) => ({ reference: v.reference?.trim() })}
    >
      <In name="reference" label={say("settlement")} maxLength={100} />
    </Small>
  );
}

interface TableProps {
  items: readonly ReceiptOut[];
  /** Whether they are moved here, or only read. */
  moves: boolean;
  busy: boolean;
  onMove: (one: ReceiptOut, state: string) => void;
  onSettle: (one: ReceiptOut) => void;
  onClaimed: (one: ReceiptOut) => void;
}

function ReceiptTable({ items, moves, busy, onMove, onSettle, onClaimed }: TableProps) {
  const say = useW();
  const { day, money } = useFormats();
  const entries = (one: ReceiptOut): MenuEntry[] => [
    ...(EDGES[one.state] ?? []).map<MenuEntry>((to) => ({ id: to, label: say(`rs_${to}` as Word), onPick: () => onMove(one, to) })),
    ...(settles(one) ? [{ id: "settle", label: say("settle"), onPick: () => onSettle(one) }] : []),
    ...(claims(one) ? [{ id: "claimed", label: say("insurerClaims"), onPick: () => onClaimed(one) }] : []),
  ];
  return (
    <div className="tables" tabIndex={0} role="group" aria-label={say("receipts")}>
      <table className="grid-table">
        <thead>
          <tr>
            <th scope="col">{say("number")}</th>
            <th scope="col">{say("due")}</th>
            <th scope="col" className="num">{say("total")}</th>
            <th scope="col">{say("collection")}</th>
            <th scope="col">{say("withInsurer")}</th>
            <th scope="col"><span className="sr">{say("move")}</span></th>
          </tr>
        </thead>
        <tbody>
          {items.map((one) => (
            <tr key={one.receipt_id}>
              <th scope="row">
                {one.number} <span className="x3 nb">{named(say, "rk", one.kind)}</span>
              </th>
              <td>{day(one.due_on)}</td>
              <td className="num">{money(one.total)}</td>
              <td>
                <ReceiptChip state={one.state} /> {one.return_code && <span className="t12 x3">{one.return_code}</span>}
              </td>
              <td><WithInsurer one={one} /></td>
              <td className="num">
                {moves && entries(one).length > 0 && (
                  <Menu
                    className="btn small quiet"
                    align="right"
                    disabled={busy}
                    label={`${say("move")} ${one.number}`}
                    trigger={<>{say("move")}<Icon name="down" size={12} /></>}
                    entries={entries(one)}
                  />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The second axis: passed on to the insurer, or claimed by it while it is unpaid. */
function WithInsurer({ one }: { one: ReceiptOut }) {
  const say = useW();
  const { moment } = useFormats();
  if (one.settled_at)
    return <><Chip tone="ok" icon="check">{say("settled")}</Chip> <span className="t12 x3">{[one.settlement, moment(one.settled_at)].filter(Boolean).join(" · ")}</span></>;
  if (one.claimed_at) return <><Chip tone="warn" icon="triangle">{say("claimedByInsurer")}</Chip> <span className="t12 x3">{moment(one.claimed_at)}</span></>;
  if (settles(one)) return <span className="t12 x3">{say("toSettle")}</span>;
  return null;
}
