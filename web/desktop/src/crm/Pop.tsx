/** What is at hand of whoever an offer is about: the open claim, or the policy that matters, in one line. */
import type { DeskFile } from "@contactcenter/shared/contract";
import { Icon, type IconName } from "@contactcenter/shared/icons";
import { cls } from "@contactcenter/shared/ui";

import { coverSentence, lineIcon } from "./bits";
import { useRead } from "./data";
import { useFormats } from "./format";
import { useBanner } from "./Panel";
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
  const bannerOf = useBanner();
  if (file === null) return null;
  const banner = bannerOf(file);
  if (file.state !== "identified") return banner ?? { icon: "person", text: say("unknown"), warn: false };
  const [claim] = file.claims;
  if (claim) {
    const who = claim.adjuster_name ? say("handledBy", { name: claim.adjuster_name }) : say("unhandled");
    const line = `${claim.claim_number} · ${named(say, "cl", claim.status)} · ${who}`;
    if (banner && file.banner !== "claim") return { ...banner, text: `${banner.text} · ${line}` };
    return { icon: lineIcon(claim.policy_type), text: line, warn: false };
  }
  const [filed] = file.policies;
  if (!filed) return banner;
  const fine = filed.cover.answer === "covered";
  const name = `${named(say, "line", filed.policy.policy_type)} · ${filed.carrier_name}`;
  return {
    icon: lineIcon(filed.policy.policy_type),
    text: `${name} · ${banner?.text ?? (fine ? say("until", { date: day(filed.policy.coverage_end_date) }) : coverSentence(say, moment, filed.cover))}`,
    warn: banner?.warn || !fine,
  };
}
