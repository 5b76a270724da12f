/** Who else has a part in a policy: a customer with a file, or a name. The policyholder is the file's own customer. */
import type { Hits, Party, PartyOut, PolicyOut } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { Button, IconButton } from "@contactcenter/shared/ui";
import { useEffect, useState } from "react";

import { Section } from "./bits";
import type { Fault } from "./checks";
import { useRead } from "./data";
import { type Checks, type FormState, freeRow, In, Pick, rowsOf, type Values } from "./form";
import { named, useW } from "./texts";

const ROLES = ["insured", "driver", "owner", "beneficiary", "mortgagee"] as const;
const AT_MOST = 30;
const WAIT_MS = 200;
const LIST = "party";

const given = (v: Values, n: number, what: string): string => (v[`${LIST}.${n}.${what}`] ?? "").trim();

export function partyValues(parties: readonly PartyOut[]): Record<string, string> {
  const values: Record<string, string> = {};
  parties
    .filter((one) => one.role !== "policyholder")
    .forEach((one, n) =>
      Object.assign(values, {
        [`${LIST}.${n}.role`]: one.role,
        [`${LIST}.${n}.name`]: one.name,
        [`${LIST}.${n}.file`]: one.customer_id ?? "",
        [`${LIST}.${n}.share`]: one.share === null ? "" : String(Number(one.share)),
      }),
    );
  return values;
}

const shareFault = (text: string): Fault | null => {
  const share = Number(text.replace(",", "."));
  return share > 0 && share <= 100 && /^\d{1,3}([.,]\d{1,2})?$/.test(text) ? null : "bad_rate";
};

export function partyChecks(v: Values): Checks {
  const found: Record<string, Fault | null> = {};
  for (const n of rowsOf(v, LIST)) {
    const share = given(v, n, "share");
    found[`${LIST}.${n}.name`] = given(v, n, "name") ? null : "missing";
    found[`${LIST}.${n}.share`] = given(v, n, "role") === "beneficiary" && share ? shareFault(share) : null;
  }
  return found;
}

export const partiesOf = (v: Values): Party[] =>
  rowsOf(v, LIST).map((n) => {
    const share = given(v, n, "role") === "beneficiary" ? given(v, n, "share").replace(",", ".") : "";
    const file = given(v, n, "file");
    return {
      role: given(v, n, "role") as Party["role"],
      ...(file ? { customer_id: file } : { name: given(v, n, "name") }),
      ...(share ? { share } : {}),
    };
  });

export const partiesChanged = (changed: ReadonlySet<string>): boolean => [...changed].some((name) => name.startsWith(`${LIST}.`));

export function PartyRows({ form }: { form: FormState }) {
  const say = useW();
  const shown = rowsOf(form.values, LIST);
  const add = () => {
    const n = freeRow(form.values, LIST);
    form.setAll({ [`${LIST}.${n}.role`]: "driver", [`${LIST}.${n}.name`]: "", [`${LIST}.${n}.file`]: "", [`${LIST}.${n}.share`]: "" });
  };
  return (
    <Section
      title={say("parties")}
      count={shown.length}
      aside={shown.length < AT_MOST && <Button size="small" kind="quiet" icon="plus" onClick={add}>{say("add")}<span className="sr"> {say("parties")}</span></Button>}
    >
      {shown.length === 0 && <p className="t13 x3">{say("noParties")}</p>}
      {shown.map((n) => <PartyRow key={n} form={form} n={n} />)}
    </Section>
  );
}

/** Who asks for a contract's end. Only the policyholder can: whoever else asks is told so. */
export function Asker({ policy }: { policy: PolicyOut }) {
  const say = useW();
  const people = new Map([[policy.customer_id, policy.customer_name]]);
  for (const one of policy.parties) if (one.customer_id && !people.has(one.customer_id)) people.set(one.customer_id, one.name);
  return <Pick name="requested_by_customer_id" label={say("asker")} choices={[...people]} />;
}

function PartyRow({ form, n }: { form: FormState; n: number }) {
  const say = useW();
  const at = `${LIST}.${n}`;
  const name = given(form.values, n, "name");
  const filed = given(form.values, n, "file") !== "";
  return (
    <>
      <div className="grid line">
        <Pick name={`${at}.role`} label={say("part")} choices={ROLES.map((one) => [one, named(say, "role", one)] as const)} />
        {filed ? (
          <div className="field">
            <div className="lab">{say("partyName")}</div>
            <p className="row"><Icon name="person" size={12} /><span className="cut">{name}</span></p>
          </div>
        ) : (
          <In name={`${at}.name`} label={say("partyName")} maxLength={100} />
        )}
        {form.values[`${at}.role`] === "beneficiary" ? <In name={`${at}.share`} label={say("share")} hint={say("optional")} inputMode="decimal" maxLength={6} /> : <span />}
        <IconButton icon="close" label={`${say("remove")} ${n + 1}`} onClick={() => form.set(`${at}.gone`, "yes")} />
      </div>
      {!filed && <Files name={name} onPick={(file, its) => form.setAll({ [`${at}.file`]: file, [`${at}.name`]: its })} />}
    </>
  );
}

/** Files of that name: one press makes the party a customer instead of a mere name. */
function Files({ name, onPick }: { name: string; onPick: (file: string, name: string) => void }) {
  const say = useW();
  const [asked, setAsked] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setAsked(name.length >= 3 ? name : ""), WAIT_MS);
    return () => clearTimeout(timer);
  }, [name]);
  const found = useRead<Hits>(asked ? `/customers/search?limit=4&q=${encodeURIComponent(asked)}` : null);
  if (!asked || found.kind !== "there" || found.value.items.length === 0) return null;
  return (
    <p className="row wrap-row t12 x2 form-note">
      {say("hasFile")}
      {found.value.items.map((one) => (
        <Button key={one.customer_id} size="small" kind="quiet" icon="person" onClick={() => onPick(one.customer_id, one.name)}>{one.name}</Button>
      ))}
    </p>
  );
}
