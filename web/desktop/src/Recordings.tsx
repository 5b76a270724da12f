/** The calls of an interaction, and their recordings: what was said when, seek, play. */
import { api } from "@contactcenter/shared/api";
import { Icon } from "@contactcenter/shared/icons";
import { duration } from "@contactcenter/shared/time";
import { Button, IconButton } from "@contactcenter/shared/ui";
import { useEffect, useRef, useState } from "react";

import { useFetched } from "./fetched";
import { useT } from "./texts";

export interface Recording {
  recording_id: string;
  started_at: string;
  seconds: number | null;
  state: "recording" | "stored" | "failed" | "deleted";
  may_play: boolean;
}

export interface CallRow {
  call_id: string;
  started_at: string;
  answered_at: string | null;
  ended_at: string | null;
  talked_ms: number;
  recordings: Recording[];
}

interface Peaks {
  seconds: number;
  left: number[];
  right: number[];
  gaps: { from: number; to: number }[];
}

const BUCKETS = 160;

/** `version` is anything that changes when a call or a recording may have been added. */
export function Calls({ interactionId, version = "" }: { interactionId: string; version?: string }) {
  const t = useT();
  const calls = useFetched(`${interactionId} ${version}`, (signal) =>
    api.get<{ items: CallRow[] }>(`/calls?interaction_id=${interactionId}`, signal),
  );
  if (calls.kind === "loading") return <div className="calls" aria-busy="true" />;
  if (calls.kind === "failed") return <Failed onRetry={calls.retry} />;
  return (
    <ul className="calls">
      {calls.value.items.map((call) => (
        <li key={call.call_id}>
          <p className="t12 x2 row">
            <Icon name="voice" size={12} />
            {call.talked_ms > 0 ? t("callTalked", { time: duration(call.talked_ms) }) : t("callNotTalked")}
            {call.recordings.length === 0 && <span className="x3">{t("recordingNone")}</span>}
          </p>
          {call.recordings.map((one) => (
            <OneRecording key={one.recording_id} recording={one} />
          ))}
        </li>
      ))}
    </ul>
  );
}

function OneRecording({ recording }: { recording: Recording }) {
  const t = useT();
  if (!recording.may_play)
    return (
      <p className="t12 x2 row">
        <Icon name="lock" size={12} />
        {t("recordingLocked")}
      </p>
    );
  if (recording.state === "stored") return <Player recording={recording} />;
  return <p className="t12 x3">{t(recording.state === "recording" ? "recordingSoon" : recording.state === "deleted" ? "recordingGone" : "recordingFailed")}</p>;
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
function Player({ recording }: { recording: Recording }) {
  const t = useT();
  const path = `/recordings/${recording.recording_id}`;
  const peaks = useFetched(recording.recording_id, (signal) => api.get<Peaks>(`${path}/peaks?buckets=${BUCKETS}`, signal));
  const audio = useRef<HTMLAudioElement>(null);
  const [source, setSource] = useState<string | null>(null);
  const [loading, setLoading] = useState<"no" | "yes" | "failed">("no");
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  useEffect(() => () => void (source && URL.revokeObjectURL(source)), [source]);
  const seconds = peaks.kind === "there" ? peaks.value.seconds : (recording.seconds ?? 0);

  const toggle = async () => {
    const player = audio.current;
    if (!player) return;
    if (playing) return player.pause();
    if (source === null) {
      setLoading("yes");
      try {
        const url = URL.createObjectURL(await api.blob(`${path}/audio`));
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
  if (peaks.kind === "failed") return <Failed onRetry={peaks.retry} />;
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
        {peaks.kind === "there" && (
          <>
            <Wave peaks={peaks.value} />
            <div className="played" style={{ clipPath: `inset(0 ${(1 - share) * 100}% 0 0)` }}>
              <Wave peaks={peaks.value} />
            </div>
          </>
        )}
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

/** The customer above the line, the agent below; what a pause silenced is hatched. */
function Wave({ peaks }: { peaks: Peaks }) {
  const count = Math.max(1, peaks.left.length);
  const path = peaks.left
    .map((left, index) => {
      const up = Math.max(0.5, left * (MIDDLE - 1));
      const down = Math.max(0.5, (peaks.right[index] ?? 0) * (MIDDLE - 1));
      return `M${index + 0.5} ${(MIDDLE - up).toFixed(1)}V${(MIDDLE + down).toFixed(1)}`;
    })
    .join("");
  const scale = count / Math.max(0.001, peaks.seconds);
  return (
    <svg viewBox={`0 0 ${count} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {peaks.gaps.map((gap) => (
        <rect key={gap.from} className="gap" x={gap.from * scale} y={0} width={Math.max(0.5, (gap.to - gap.from) * scale)} height={HEIGHT} />
      ))}
      <path d={path} />
    </svg>
  );
}
