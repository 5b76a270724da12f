/** All files, newest first, or those that a search finds. */
import { api } from "@contactcenter/shared/api";
import type { CustomerPage as Listed, CustomerRow, Hits } from "@contactcenter/shared/contract";
import { Button, Chip } from "@contactcenter/shared/ui";
import { useEffect, useId, useState } from "react";

import { useDesk } from "../context";
import { Read, Row } from "./bits";
import { useRead } from "./data";
import { spaced } from "./Panel";
import { place } from "./place";
import { Shell } from "./Shell";
import { named, useW } from "./texts";

const WAIT_MS = 200;

export function CustomersPage({ query }: { query: string }) {
  const say = useW();
  const desk = useDesk();
  const id = useId();
  const [text, setText] = useState(query);
  const [more, setMore] = useState<{ items: CustomerRow[]; cursor: string | null } | null>(null);
  useEffect(() => {
    const wanted = text.trim().length >= 2 ? text.trim() : "";
    if (wanted === query) return;
    const timer = setTimeout(() => desk.turn(place("customers", "", { q: wanted })), WAIT_MS);
    return () => clearTimeout(timer);
  }, [text, query, desk]);
  const listed = useRead<Listed>(query ? null : "/customers?limit=50", "customer");
  const found = useRead<Hits>(query ? `/customers/search?limit=50&q=${encodeURIComponent(query)}` : null, "customer");
  const cursor = more ? more.cursor : listed.kind === "there" ? listed.value.next_cursor : null;
  const load = async () => {
    const next = await api.get<Listed>(`/customers?limit=50&cursor=${encodeURIComponent(cursor ?? "")}`);
    setMore((now) => ({ items: [...(now?.items ?? []), ...next.items], cursor: next.next_cursor }));
  };
  return (
    <Shell
      title={say("customers")}
      actions={
        <>
          <Button size="small" icon="upload" onClick={() => desk.go(place("import"))}>{say("importing")}</Button>
          <Button size="small" kind="primary" icon="plus" onClick={() => desk.go(place("new", "customer"))}>{say("newCustomer")}</Button>
        </>
      }
    >
      <label className="sr" htmlFor={id}>{say("findCustomer")}</label>
      <input id={id} className="input find" type="search" autoComplete="off" placeholder={say("findHint")} value={text} onChange={(event) => setText(event.target.value)} />
      {query ? (
        <Read of={found} lines={6}>
          {({ items, more: further }) => (
            <>
              {items.length === 0 && <p className="t13 x3" role="status">{say("nobodyFound")}</p>}
              <Rows items={items} />
              {further && <p className="t13 x3">{say("refine")}</p>}
            </>
          )}
        </Read>
      ) : (
        <Read of={listed} lines={6}>
          {({ items }) => (
            <>
              <Rows items={[...items, ...(more?.items ?? [])]} />
              {cursor && <Button size="small" kind="quiet" onClick={() => void load()}>{say("seeMore")}</Button>}
            </>
          )}
        </Read>
      )}
    </Shell>
  );
}

function Rows({ items }: { items: readonly CustomerRow[] }) {
  const say = useW();
  return (
    <ul className="things wide-rows">
      {items.map((one) => (
        <Row
          key={one.customer_id}
          icon={one.kind === "company" ? "briefcase" : "person"}
          place={place("customer", one.customer_id)}
          title={one.name}
          chip={one.segment ? <Chip tone={one.segment === "vip" ? "acc" : "idle"} icon={one.segment === "vip" ? "star" : "person"}>{named(say, "seg", one.segment)}</Chip> : undefined}
          detail={[one.mobile ?? one.phone, one.email, one.city].filter(Boolean).map((value) => spaced(String(value))).join(" · ")}
        />
      ))}
    </ul>
  );
}
