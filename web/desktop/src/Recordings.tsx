/** The calls of an interaction, and their recordings: what was said when, seek, play. */
import { api } from "@contactcenter/shared/api";
import type { CallDetail, CallPage, RecordingCard } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { duration } from "@contactcenter/shared/time";
import { Button, IconButton } from "@contactcenter/shared/ui";
import { useEffect, useRef, useState } from "react";

import { CallLog } from "./CallLog";
import { useFetched } from "./fetched";
import { useT } from "./texts";

/** `version` is anything that changes when a call or a recording may have been added. */
export function Calls({ interactionId, version = "" }: { interactionId: string; version?: string }) {
  const t = useT();
  const calls = useFetched(`${interactionId} ${version}`, async (signal) => {
    const { items } = await api.get<CallPage>(`/calls?interaction_id=${interactionId}`, signal);
    return Promise.all(items.reverse().map((one) => api.get<CallDetail>(`/calls/${one.call_id}`, signal)));
  });
  if (calls.kind === "loading") return <div className="calls" aria-busy="true" />;
  if (calls.kind === "failed") return <Failed onRetry={calls.retry} />;
  return (
    <ul className="calls">
      {calls.value.map((detail) => (
        <li key={detail.call.call_id}>
          <p className="t12 x2 row">
            <Icon name="voice" size={12} />
            {talked(detail)
              ? t("callTalked", { time: duration(talked(detail)) })
              : t("callNotTalked")}
            {detail.recordings.length === 0 && <span className="x3">{t("recordingNone")}</span>}
          </p>
          {detail.recordings.map((one) => (
            <OneRecording key={one.recording_id} recording={one} onRead={calls.retry} />
          ))}
          <CallLog detail={detail} />
        </li>
      ))}
    </ul>
  );
}

/** Milliseconds; 0: nobody answered. */
const talked = ({ call }: CallDetail): number =>
  call.answered_at ? Math.max(1, Date.parse(call.ended_at ?? call.answered_at) - Date.parse(call.answered_at)) : 0;

const STORING_MS = 2_000;

/** Being stored: read again until it is there. */
function OneRecording({ recording, onRead }: { recording: RecordingCard; onRead: () => void }) {
  const t = useT();
  const storing = recording.state === "recording" || recording.state === "finished";
  useEffect(() => {
    if (!storing) return;
    const timer = setTimeout(onRead, STORING_MS);
    return () => clearTimeout(timer);
  });
  if (storing) return <p className="t12 x3">{t("recordingSoon")}</p>;
  if (recording.state === "deleted") return <p className="t12 x3">{t("recordingGone")}</p>;
  if (recording.state !== "stored")
    return <p className="t12 c-bad">{t(recording.fault === "damaged" ? "recordingDamaged" : "recordingMissing")}</p>;
  if (recording.may_play) return <Player recording={recording} />;
  return (
    <p className="t12 x2 row">
      <Icon name="lock" size={12} />
      {t("recordingLocked")}
    </p>
  );
}

function Failed({ onRetry }: { onRetry: () => void }) {
  const t = useT();
  return (
    <p className="t12 c-bad row" role="alert">
      <Icon name="octagon" size={12} />
      {t("recordingFailed")}
      <Button size="small" kind="quiet" onClick={onRetry}>
        {t("tryAgain")}
      </Button>
    </p>
  );
}

/** The sound itself is fetched when it is first played. */
function Player({ recording }: { recording: RecordingCard }) {
  const t = useT();
  const audio = useRef<HTMLAudioElement>(null);
  const [source, setSource] = useState<string | null>(null);
  const [loading, setLoading] = useState<"no" | "yes" | "failed">("no");
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  useEffect(() => () => void (source && URL.revokeObjectURL(source)), [source]);
  const seconds = recording.seconds ?? 0;

  const toggle = async () => {
    const player = audio.current;
    if (!player) return;
    if (playing) return player.pause();
    if (source === null) {
      setLoading("yes");
      try {
        const url = URL.createObjectURL(await api.blob(`/recordings/${recording.recording_id}/audio`));
        setSource(url);
        player.src = url;
        player.currentTime = at;
        setLoading("no");
      } catch {
        return setLoading("failed");
      }
    }
    await player.play().catch(() => setLoading("failed"));
  };
  const seek = (to: number) => {
    setAt(to);
    if (audio.current && source !== null) audio.current.currentTime = to;
  };
  if (loading === "failed") return <Failed onRetry={() => setLoading("no")} />;
  const share = seconds > 0 ? Math.min(1, at / seconds) : 0;
  return (
    <div className="player" role="group" aria-label={t("recordingOf")}>
      <audio
        ref={audio}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onEnded={() => setAt(0)}
        onTimeUpdate={(event) => setAt(event.currentTarget.currentTime)}
      />
      <IconButton icon={playing ? "pause" : "play"} label={t(playing ? "pausePlay" : "play")} disabled={loading === "yes"} onClick={() => void toggle()} />
      <div className="wave">
        <Wave recording={recording} />
        <div className="played" style={{ clipPath: `inset(0 ${(1 - share) * 100}% 0 0)` }}>
          <Wave recording={recording} />
        </div>
        <input
          type="range"
          min={0}
          max={Math.max(1, Math.round(seconds))}
          step={1}
          value={Math.round(at)}
          aria-label={t("recordingOf")}
          aria-valuetext={t("position", { at: duration(at * 1000), of: duration(seconds * 1000) })}
          onChange={(event) => seek(Number(event.target.value))}
        />
      </div>
      <span className="t12 x2 times">
        {duration(at * 1000)} / {duration(seconds * 1000)}
      </span>
    </div>
  );
}

const HEIGHT = 28;
const MIDDLE = HEIGHT / 2;

/** The customer above the line, the agents below; what a pause silenced is shaded. */
function Wave({ recording: { peaks, gaps, seconds } }: { recording: RecordingCard }) {
  const left = peaks?.left ?? [];
  const count = Math.max(1, left.length);
  const path = left
    .map((up, index) => {
      const from = MIDDLE - bar(up);
      const to = MIDDLE + bar(peaks?.right[index] ?? 0);
      return `M${index + 0.5} ${from.toFixed(1)}V${to.toFixed(1)}`;
    })
    .join("");
  const scale = count / Math.max(0.001, seconds ?? 0);
  return (
    <svg viewBox={`0 0 ${count} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {(gaps as { from: number; to: number }[]).map((gap) => (
        <rect key={gap.from} className="gap" x={gap.from * scale} y={0} width={Math.max(0.5, (gap.to - gap.from) * scale)} height={HEIGHT} />
      ))}
      <path d={path} />
    </svg>
  );
}

/** Loudness of 0 to 100 as a height; silence is a thin line. */
const bar = (percent: number): number => Math.max(0.5, (percent / 100) * (MIDDLE - 1));
