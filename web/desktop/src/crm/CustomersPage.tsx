/** All files, newest first, or those that a search finds. */
import type { CustomerRow, Hits } from "@contactcenter/shared/contract";
import { Button } from "@contactcenter/shared/ui";
import { useEffect, useId, useState } from "react";

import { useDesk } from "../context";
import { Read, Row, SegmentChip } from "./bits";
import { useKeepsOffice } from "./Closing";
import { usePages, useRead } from "./data";
import { spaced } from "./Panel";
import { place } from "./place";
import { Shell } from "./Shell";
import { useW } from "./texts";

const WAIT_MS = 200;

export function CustomersPage({ query }: { query: string }) {
  const say = useW();
  const desk = useDesk();
  const id = useId();
  const [text, setText] = useState(query);
  useEffect(() => {
    const wanted = text.trim().length >= 2 ? text.trim() : "";
    if (wanted === query) return;
    const timer = setTimeout(() => desk.turn(place("customers", "", { q: wanted })), WAIT_MS);
    return () => clearTimeout(timer);
  }, [text, query, desk]);
  const listed = usePages<CustomerRow>(query ? null : "/customers?limit=50", "customer");
  const found = useRead<Hits>(query ? `/customers/search?limit=50&q=${encodeURIComponent(query)}` : null, "customer");
  const permitted = useKeepsOffice();
  return (
    <Shell
      title={say("customers")}
      actions={
        <>
          {permitted && <Button size="small" icon="doc" onClick={() => desk.go(place("erased"))}>{say("erasedFiles")}</Button>}
          {permitted && <Button size="small" icon="upload" onClick={() => desk.go(place("import"))}>{say("importing")}</Button>}
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
          {({ items, next_cursor }) => (
            <>
              {items.length === 0 && <p className="t13 x3">{say("nothingYet")}</p>}
              <Rows items={items} />
              {next_cursor && <Button size="small" kind="quiet" onClick={listed.more}>{say("seeMore")}</Button>}
            </>
          )}
        </Read>
      )}
    </Shell>
  );
}

function Rows({ items }: { items: readonly CustomerRow[] }) {
  return (
    <ul className="things wide-rows">
      {items.map((one) => (
        <Row
          key={one.customer_id}
          icon={one.kind === "company" ? "briefcase" : "person"}
          place={place("customer", one.customer_id)}
          title={one.name}
          chip={<SegmentChip segment={one.segment} />}
          detail={[one.mobile ?? one.phone, one.email, one.city].filter(Boolean).map((value) => spaced(String(value))).join(" · ")}
        />
      ))}
    </ul>
  );
}
