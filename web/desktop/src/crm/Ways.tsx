/** A customer's further numbers, mail addresses and postal addresses, a row each. */
import type { CustomerOut, PostalAddress, Way } from "@contactcenter/shared/contract";
import { Button, IconButton } from "@contactcenter/shared/ui";

import { Section } from "./bits";
import { email, type Fault, phone } from "./checks";
import { type Checks, type FormState, freeRow, In, Pick, rowsOf, type Values } from "./form";
import { named, useW } from "./texts";

const AT_MOST = 20;
const POSTAL = ["label", "address_line1", "address_line2", "postal_code", "city", "province"] as const;
/** What a list's new row begins with. */
const EMPTY = {
  way: { kind: "phone", address: "", label: "" },
  postal: { ...Object.fromEntries(POSTAL.map((name) => [name, ""])), country: "ES" },
} as const;
type List = keyof typeof EMPTY;

const row = (list: List, n: number, values: object): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${list}.${n}.${name}`, String(value ?? "")]));
const given = (v: Values, list: List, n: number, name: string): string => (v[`${list}.${n}.${name}`] ?? "").trim();

export const wayValues = (customer: CustomerOut | null): Record<string, string> =>
  Object.assign({}, ...(customer?.ways ?? []).map((one, n) => row("way", n, one)), ...(customer?.addresses ?? []).map((one, n) => row("postal", n, one)));

export function wayChecks(v: Values): Checks {
  const found: Record<string, Fault | null> = {};
  for (const n of rowsOf(v, "way")) {
    const text = given(v, "way", n, "address");
    found[`way.${n}.address`] = text === "" ? "missing" : given(v, "way", n, "kind") === "email" ? email(text) : phone(text);
  }
  for (const n of rowsOf(v, "postal"))
    for (const name of ["label", "address_line1"]) found[`postal.${n}.${name}`] = given(v, "postal", n, name) ? null : "missing";
  return found;
}

/** The lists that were changed, whole: the server replaces them as such. */
export function waysBody(v: Values, changed: Iterable<string>): { ways?: Way[]; addresses?: PostalAddress[] } {
  const touched = new Set([...changed].map((name) => name.split(".")[0]));
  const ways = () => rowsOf(v, "way").map((n) => ({ kind: given(v, "way", n, "kind"), address: given(v, "way", n, "address"), label: given(v, "way", n, "label") }) as Way);
  const addresses = () =>
    rowsOf(v, "postal").map((n) => ({ ...Object.fromEntries(POSTAL.map((name) => [name, given(v, "postal", n, name) || null])), country: given(v, "postal", n, "country") || "ES" }) as PostalAddress);
  return { ...(touched.has("way") ? { ways: ways() } : {}), ...(touched.has("postal") ? { addresses: addresses() } : {}) };
}

export const postalLine = (one: PostalAddress): string =>
  [one.address_line1, one.address_line2, [one.postal_code, one.city].filter(Boolean).join(" "), one.province].filter(Boolean).join(", ");

export function WayRows({ form }: { form: FormState }) {
  const say = useW();
  return (
    <>
      <Rows form={form} list="way" title={say("furtherWays")}>
        {(at) => (
          <>
            <Pick name={`${at}.kind`} label={say("kind")} choices={(["phone", "email"] as const).map((one) => [one, say(one)] as const)} />
            <In name={`${at}.address`} label={named(say, "way", form.values[`${at}.kind`] ?? "phone")} maxLength={254} />
            <In name={`${at}.label`} label={say("wayLabel")} hint={say("optional")} maxLength={100} />
          </>
        )}
      </Rows>
      <Rows form={form} list="postal" title={say("furtherAddresses")} wide>
        {(at) => (
          <>
            <In name={`${at}.label`} label={say("postalLabel")} maxLength={100} />
            <In name={`${at}.address_line1`} label={say("address")} maxLength={200} />
            <In name={`${at}.address_line2`} label={say("address2")} maxLength={200} />
            <In name={`${at}.postal_code`} label={say("postalCode")} inputMode="numeric" maxLength={10} />
            <In name={`${at}.city`} label={say("city")} maxLength={200} />
            <In name={`${at}.province`} label={say("province")} maxLength={200} />
          </>
        )}
      </Rows>
    </>
  );
}

interface RowsProps {
  form: FormState;
  list: List;
  title: string;
  /** More fields than fit beside the cross: it comes below them. */
  wide?: boolean;
  children: (at: string) => React.ReactNode;
}

function Rows({ form, list, title, wide, children }: RowsProps) {
  const say = useW();
  const shown = rowsOf(form.values, list);
  const add = () => form.setAll(row(list, freeRow(form.values, list), EMPTY[list]));
  return (
    <Section
      title={title}
      count={shown.length}
      aside={shown.length < AT_MOST && <Button size="small" kind="quiet" icon="plus" onClick={add}>{say("add")}<span className="sr"> {title}</span></Button>}
    >
      {shown.map((n) => {
        const away = () => form.set(`${list}.${n}.gone`, "yes");
        return wide ? (
          <div key={n}>
            <div className="grid">{children(`${list}.${n}`)}</div>
            <p className="row end-row"><Button size="small" kind="quiet" icon="close" onClick={away}>{say("removeAddress")}<span className="sr"> {n + 1}</span></Button></p>
          </div>
        ) : (
          <div className="grid line" key={n}>
            {children(`${list}.${n}`)}
            <IconButton icon="close" label={`${say("remove")} ${n + 1}`} onClick={away} />
          </div>
        );
      })}
    </Section>
  );
}
