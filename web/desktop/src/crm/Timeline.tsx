/** What happened with a customer on all channels and in their file, newest first, page by page. */
import { api } from "@contactcenter/shared/api";
import type { Timeline as Page, TimelineItem } from "@contactcenter/shared/contract";
import { Icon, type IconName } from "@contactcenter/shared/icons";
import { useStore } from "@contactcenter/shared/store";
import { locale } from "@contactcenter/shared/prefs";
import { duration, useTimes } from "@contactcenter/shared/time";
import { Button } from "@contactcenter/shared/ui";
import { useState } from "react";

import { useAgent, useDesk } from "../context";
import { Calls } from "../Recordings";
import { useT } from "../texts";
import { Failed, To } from "./bits";
import { useRead } from "./data";
import { type Place, place } from "./place";
import { named, useW, type Word } from "./texts";

const ICONS: Record<string, IconName> = { policy: "doc", claim: "octagon", quote: "euro", task: "calendar", letter: "email", receipt: "euro" };

export function Timeline({ customer, current, limit = 10 }: { customer: string; current: string | null; limit?: number }) {
  const say = useW();
  const first = useRead<Page>(`/customers/${customer}/timeline?limit=${limit}`, customer);
  const [more, setMore] = useState<{ items: TimelineItem[]; cursor: string | null } | null>(null);
  const [loading, setLoading] = useState<"no" | "yes" | "failed">("no");
  if (first.kind === "failed") return <Failed onRetry={first.retry} />;
  if (first.kind === "loading") return <ol className="tl" aria-busy="true"><li><span /><span className="bone" /><span /></li></ol>;
  const cursor = more ? more.cursor : first.value.next_cursor;
  const known = new Set(first.value.items.map((one) => one.id));
  const items = [...first.value.items, ...(more?.items ?? []).filter((one) => !known.has(one.id))];
  const load = async () => {
    setLoading("yes");
    try {
      const next = await api.get<Page>(`/customers/${customer}/timeline?limit=20&cursor=${encodeURIComponent(cursor ?? "")}`);
      setMore((now) => ({ items: [...(now?.items ?? first.value.items), ...next.items], cursor: next.next_cursor }));
      setLoading("no");
    } catch {
      setLoading("failed");
    }
  };
  return (
    <>
      {items.length === 0 && <p className="t13 x3">{say("nothingYet")}</p>}
      <ol className="tl">
        {items.map((one) => <Entry key={one.kind + one.id} one={one} current={one.id === current} />)}
      </ol>
      {cursor !== null && (
        <Button size="small" kind="quiet" disabled={loading === "yes"} onClick={() => void load()}>
          {say(loading === "failed" ? "moreFailed" : "seeMore")}
        </Button>
      )}
    </>
  );
}

function Entry({ one, current }: { one: TimelineItem; current: boolean }) {
  const t = useT();
  const say = useW();
  const times = useTimes();
  const desk = useDesk();
  const language = useStore(locale);
  const dispositions = useAgent((state) => state.dispositions);
  const [listening, setListening] = useState(false);
  const talk = one.kind === "interaction";
  const disposition = talk ? dispositions.find((d) => d.key === one.outcome) : undefined;
  const outcome = disposition ? (language === "es" ? disposition.label_es : disposition.label_en) : talk ? "" : named(say, "ca", one.outcome);
  const channel = one.channel ?? "chat";
  const about = talk ? t(`channel_${channel}` as Parameters<typeof t>[0]) : say(one.kind as Word);
  const title = [about, current ? say("thisContact") : talk ? one.agent_name : (one.subject ?? "")].filter((part) => part !== null).join(" · ");
  const groups: Record<string, string> = { policy: "ps", claim: "cl", quote: "q", task: "ts", letter: "lt", receipt: "rs" };
  const line = [
    talk && one.seconds !== null ? duration(one.seconds * 1000) : null,
    talk ? (one.status === "closed" ? null : t("now")) : named(say, groups[one.kind] ?? "", one.status),
    one.kind === "task" ? one.agent_name : outcome,
    talk ? one.subject : null,
  ].filter(Boolean).join(" · ");
  return (
    <li>
      <Icon name={talk ? (channel as IconName) : (ICONS[one.kind] ?? "doc")} />
      {current ? (
        <b className="cut">{title}</b>
      ) : talk ? (
        <button type="button" className="entry cut" onClick={() => desk.open(one.id)}>{title}</button>
      ) : one.kind === "letter" || one.kind === "receipt" ? (
        <span className="cut">{title}</span>
      ) : (
        <To place={placeOfItem(one)} className="entry cut">{title}</To>
      )}
      <time className="t12 x3" dateTime={one.at} title={times.exact(one.at)}>{times.short(one.at)}</time>
      <span className="s row">
        {talk && channel === "voice" && one.seconds !== null && (
          <button type="button" className="link t12" aria-expanded={listening} onClick={() => setListening(!listening)}>
            {say(listening ? "listenHide" : "listen")}
          </button>
        )}
        <span className="cut" title={line}>{line}</span>
      </span>
      {listening && <Calls interactionId={one.id} />}
    </li>
  );
}

function placeOfItem(one: TimelineItem): Place {
  return one.kind === "task" ? place("tasks", "", { task: one.id }) : place(one.kind as "policy" | "claim" | "quote", one.id);
}
