/** Who lives under one roof: shown, joined and left. */
import { api } from "@contactcenter/shared/api";
import type { CustomerOut, Hits, HouseholdOut } from "@contactcenter/shared/contract";
import { Button } from "@contactcenter/shared/ui";
import { useState } from "react";

import { Read, Row, Section } from "./bits";
import { etagOf, orAnew, useRead } from "./data";
import { place } from "./place";
import { Told, useAct } from "./Shell";
import { useW } from "./texts";

const LETTERS = 3;

export function Household({ customer, onChanged }: { customer: CustomerOut; onChanged: () => void }) {
  const say = useW();
  const id = customer.customer_id;
  const household = useRead<HouseholdOut>(customer.household_id && `/households/${customer.household_id}`, id);
  const [joining, setJoining] = useState(false);
  const { busy, error, act } = useAct();
  const put = (household_id: string | null) => orAnew(api.patch(`/customers/${id}`, { household_id }, etagOf(customer.version)), onChanged);
  const leave = () => void act(() => put(null)).then((done) => done && onChanged());
  const join = (other: string, name: string) =>
    void act(async () => {
      const theirs = (await api.get<CustomerOut>(`/customers/${other}`)).household_id;
      await (theirs ? put(theirs) : api.post<HouseholdOut>("/households", { name, members: [id, other] }, { key: crypto.randomUUID() }));
    }).then((done) => {
      if (!done) return;
      setJoining(false);
      onChanged();
    });
  if (!customer.household_id && (!customer.writable || customer.kind === "company")) return null;
  const button = customer.household_id ? (
    <Button size="small" kind="quiet" disabled={busy} onClick={leave}>{say("leaveHousehold")}</Button>
  ) : (
    <Button size="small" kind="quiet" icon="plus" aria-expanded={joining} onClick={() => setJoining(!joining)}>{say("joinHousehold")}</Button>
  );
  return (
    <Section title={say("household")} aside={customer.writable && button}>
      <Told error={error} />
      {joining && <With customer={customer} busy={busy} onPick={join} />}
      {customer.household_id ? (
        <Read of={household} lines={1}>
          {({ name, members }) => (
            <ul className="things">
              {members.filter((one) => one.customer_id !== id).map((one) => (
                <Row key={one.customer_id} icon="person" place={place("customer", one.customer_id)} title={one.name} detail={name} />
              ))}
            </ul>
          )}
        </Read>
      ) : (
        !joining && <p className="t13 x3">{say("noHousehold")}</p>
      )}
    </Section>
  );
}

/** Whom they live with: found by name, and one press joins them. */
function With({ customer, busy, onPick }: { customer: CustomerOut; busy: boolean; onPick: (other: string, name: string) => void }) {
  const say = useW();
  const [text, setText] = useState(customer.last_name);
  const asked = text.trim().length >= LETTERS ? text.trim() : "";
  const found = useRead<Hits>(asked ? `/customers/search?limit=8&q=${encodeURIComponent(asked)}` : null);
  const others = found.kind === "there" ? found.value.items.filter((one) => one.customer_id !== customer.customer_id && one.kind === "person") : [];
  return (
    <div className="card move">
      <label className="field">
        <span className="lab">{say("livesWith")}</span>
        <input className="input" value={text} maxLength={100} autoFocus autoComplete="off" onChange={(event) => setText(event.target.value)} />
      </label>
      <ul className="things">
        {asked && found.kind === "there" && others.length === 0 && <li className="t13 x3">{say("nobodyFound")}</li>}
        {others.map((one) => (
          <Row
            key={one.customer_id}
            icon="person"
            place={place("customer", one.customer_id)}
            title={one.name}
            detail={one.city}
            end={<Button size="small" disabled={busy} onClick={() => onPick(one.customer_id, customer.last_name || customer.name)}>{say("join")}<span className="sr"> {one.name}</span></Button>}
          />
        ))}
      </ul>
    </div>
  );
}
