/** What is at hand of whoever an offer is about: the open claim, or the policy that matters, in one line. */
import type { DeskFile } from "@contactcenter/shared/contract";
import { Icon, type IconName } from "@contactcenter/shared/icons";
import { cls } from "@contactcenter/shared/ui";

import { coverSentence, lineIcon } from "./bits";
import { useRead } from "./data";
import { useFormats } from "./format";
import { bannerText } from "./Panel";
import { named, useW } from "./texts";

interface Line {
  icon: IconName;
  text: string;
  warn: boolean;
}

/** The line's place is kept while it is read, so that nothing moves under the pointer. */
export function Pop({ interaction }: { interaction: string }) {
  const file = useRead<DeskFile>(`/interactions/${interaction}/file`);
  const line = useLine(file.kind === "there" ? file.value : null);
  return (
    <p className={cls("offer-pop t13 row", line?.warn ? "warn" : "acc")} aria-busy={file.kind === "loading" || undefined}>
      {line && (
        <>
          <Icon name={line.icon} />
          <span className="cut" title={line.text}>{line.text}</span>
        </>
      )}
    </p>
  );
}

function useLine(file: DeskFile | null): Line | null {
  const say = useW();
  const { day, moment } = useFormats();
  if (file === null) return null;
  if (file.state !== "identified") return { icon: "person", text: say(file.state === "candidates" ? "b_ambiguous" : "unknown"), warn: false };
  const [claim] = file.claims;
  if (claim) {
    const who = claim.adjuster_name ? say("handledBy", { name: claim.adjuster_name }) : say("unhandled");
    return { icon: lineIcon(claim.policy_type), text: `${claim.claim_number} · ${named(say, "cl", claim.status)} · ${who}`, warn: false };
  }
  const banner = bannerText(say, day, file.banner, file.contacts_7_days, file.unpaid_since, file.last_safe_day);
  const [filed] = file.policies;
  if (!filed) return banner ? { icon: "info", text: banner, warn: false } : null;
  const fine = filed.cover.answer === "covered";
  const name = `${named(say, "line", filed.policy.policy_type)} · ${filed.carrier_name}`;
  return {
    icon: lineIcon(filed.policy.policy_type),
    text: `${name} · ${banner && file.banner !== "vip" ? banner : fine ? say("until", { date: day(filed.policy.coverage_end_date) }) : coverSentence(say, moment, filed.cover)}`,
    warn: !fine,
  };
}
