/** Plain strokes on a 16 px grid; shapes of state are filled, so that they differ without colour. */
import type { ReactNode } from "react";

const STROKES = {
  // channels
  chat: <path d="M2.5 3.5h11v7.5H7l-3 2.5V11H2.5z" />,
  voice: <path d="M3.2 2.5h2.3l1.2 3-1.5 1.2c.7 1.6 2 2.9 3.6 3.6L10.5 9.3l3 1.2v2.3c0 .5-.4.9-.9.8C7 13.2 2.8 9 2.4 3.4c-.1-.5.3-.9.8-.9z" />,
  email: <><path d="M2 3.5h12v9H2z" /><path d="m2.5 4.5 5.5 4.5 5.5-4.5" /></>,
  whatsapp: <><path d="M8 2.2a5.7 5.7 0 1 1-2.7 10.7L2.3 13.7l.8-2.9A5.7 5.7 0 0 1 8 2.2z" /><path d="M5.7 6.7h4.6M5.7 9h3" /></>,
  sms: <><rect x="4" y="1.5" width="8" height="13" rx="1.5" /><path d="M6 5h4M6 7.5h4M7.3 12h1.4" /></>,
  // actions
  search: <><circle cx="7" cy="7" r="4.2" /><path d="m10.3 10.3 3.4 3.4" /></>,
  down: <path d="m4 6 4 4 4-4" />,
  up: <path d="m4 10 4-4 4 4" />,
  right: <path d="m6 4 4 4-4 4" />,
  left: <path d="m10 4-4 4 4 4" />,
  close: <path d="m3.5 3.5 9 9m0-9-9 9" />,
  check: <path d="m3 8.5 3.3 3.3L13 5" />,
  checks: <path d="m1 8.5 3 3 6.5-7M8 11l.6.5L15 4.5" />,
  clock: <><circle cx="8" cy="8" r="5.7" /><path d="M8 4.7V8l2.2 1.6" /></>,
  help: <><circle cx="8" cy="8" r="5.7" /><path d="M6.3 6.4a1.7 1.7 0 1 1 2.5 1.5c-.6.3-.8.7-.8 1.2" /><path d="M8 11.2v.1" /></>,
  swap: <path d="M3 5.5h9.5M10 3l2.5 2.5L10 8M13 10.5H3.5M6 8l-2.5 2.5L6 13" />,
  bell: <><path d="M4.2 7a3.8 3.8 0 0 1 7.6 0c0 3 1.2 4 1.2 4H3s1.2-1 1.2-4z" /><path d="M6.8 13.2c.5.7 1.9.7 2.4 0" /></>,
  pause: <path d="M5.5 3.5v9M10.5 3.5v9" />,
  play: <path d="m5 3.5 7 4.5-7 4.5z" />,
  note: <><path d="M3 2.5h10v7.5L10 13.5H3z" /><path d="M13 10h-3v3.5M5.5 5.5h5M5.5 8h3" /></>,
  sun: <><circle cx="8" cy="8" r="2.8" /><path d="M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9" /></>,
  moon: <path d="M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6z" />,
  globe: <><circle cx="8" cy="8" r="5.7" /><path d="M2.3 8h11.4M8 2.3c2.2 2 2.2 9.4 0 11.4M8 2.3c-2.2 2-2.2 9.4 0 11.4" /></>,
  sound: <><path d="M2.5 6.2v3.6h2.3L8 12.6V3.4L4.8 6.2z" /><path d="M10.2 6a2.8 2.8 0 0 1 0 4M12 4.2a5.4 5.4 0 0 1 0 7.6" /></>,
  mute: <><path d="M2.5 6.2v3.6h2.3L8 12.6V3.4L4.8 6.2z" /><path d="m10.5 6.3 3.4 3.4m0-3.4-3.4 3.4" /></>,
  wifi: <path d="M1.8 6.3a9 9 0 0 1 12.4 0M4 8.8a5.9 5.9 0 0 1 8 0M6.2 11.2a2.7 2.7 0 0 1 3.6 0M8 13.2v.1" />,
  repeat: <path d="M3 8V6.5A2 2 0 0 1 5 4.5h7.5M10.5 2.5l2 2-2 2M13 8v1.5a2 2 0 0 1-2 2H3.5M5.5 13.5l-2-2 2-2" />,
  person: <><circle cx="8" cy="5.2" r="2.7" /><path d="M2.8 13.5c.5-3 2.5-4.3 5.2-4.3s4.7 1.3 5.2 4.3" /></>,
  people: <><circle cx="6" cy="5.5" r="2.3" /><path d="M1.8 13c.3-2.7 1.9-3.8 4.2-3.8s3.9 1.1 4.2 3.8M10.5 3.4a2.3 2.3 0 0 1 0 4.2M11.7 9.5c1.5.4 2.3 1.5 2.5 3.5" /></>,
  inbox: <><path d="M2.5 9.5 4.3 3h7.4l1.8 6.5v3.5h-11z" /><path d="M2.5 9.5H6c0 1.2.9 1.8 2 1.8s2-.6 2-1.8h3.5" /></>,
  key: <><circle cx="5.3" cy="10.7" r="2.8" /><path d="m7.3 8.7 5.7-5.7M10.5 5.5l2 2" /></>,
  lock: <><rect x="3.5" y="7" width="9" height="6.5" rx="1" /><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2" /></>,
  shield: <><path d="M8 1.8 13 3.5v4c0 3.4-2.2 5.6-5 6.7-2.8-1.1-5-3.3-5-6.7v-4z" /><path d="m5.8 7.8 1.6 1.6 2.8-3" /></>,
  triangle: <><path d="M8 2.5 14 13H2z" /><path d="M8 6.7v2.8M8 11.3v.1" /></>,
  octagon: <><path d="M5.6 2h4.8L14 5.6v4.8L10.4 14H5.6L2 10.4V5.6z" /><path d="M8 5v3.8M8 10.9v.1" /></>,
  edit: <path d="m3 13 .7-3L10.8 3l2.2 2.2L6 12.3z" />,
  out: <path d="M9.5 2.5h-6v11h6M7 8h7M11.5 5.5 14 8l-2.5 2.5" />,
  eye: <><path d="M1.5 8C3 5.2 5.2 3.8 8 3.8S13 5.2 14.5 8C13 10.8 10.8 12.2 8 12.2S3 10.8 1.5 8z" /><circle cx="8" cy="8" r="1.9" /></>,
  dash: <path d="M4.5 8h7" />,
  enter: <path d="M13 4v4.5H4M6.5 6 4 8.5 6.5 11" />,
  reply: <path d="M9 2 4 9h3.5L7 14l5-7H8.5z" />,
  plus: <path d="M8 3v10M3 8h10" />,
  dots: <path d="M3.5 8h.1M8 8h.1M12.5 8h.1" strokeWidth={2.4} />,
  keyboard: <><rect x="1.5" y="4" width="13" height="8" rx="1" /><path d="M4 6.5h.1M6.7 6.5h.1M9.3 6.5h.1M12 6.5h.1M5 9.5h6" /></>,
  take: <path d="M8 2.5v7M5 7l3 3 3-3M2.5 13h11" />,
  screen: <><path d="M6 2.5H2.5V6M10 2.5h3.5V6M6 13.5H2.5V10M10 13.5h3.5V10" /></>,
  info: <><circle cx="8" cy="8" r="5.7" /><path d="M8 7.3v3.5M8 5.1v.1" /></>,
  // telephone
  mic: <><rect x="6" y="2" width="4" height="7.3" rx="2" /><path d="M3.6 7.6a4.4 4.4 0 0 0 8.8 0M8 12v2" /></>,
  micOff: <><path d="M10 8V4a2 2 0 0 0-3.9-.7M6 6.3v1a2 2 0 0 0 3.2 1.6M3.6 7.6a4.4 4.4 0 0 0 7.2 3.4M12.2 8.6l.2-1M8 12v2M2.5 2.5l11 11" /></>,
  keypad: <path d="M4 3.6h.1M8 3.6h.1M12 3.6h.1M4 7.6h.1M8 7.6h.1M12 7.6h.1M4 11.6h.1M8 11.6h.1M12 11.6h.1" strokeWidth={2.2} />,
  hangUp: <path d="M1.8 9.9c-.4-.8.1-1.8 1-2.3 3.3-1.8 7.1-1.8 10.4 0 .9.5 1.4 1.5 1 2.3l-.4.8-2.9-.6-.3-1.9a9.6 9.6 0 0 0-5.2 0l-.3 1.9-2.9.6z" />,
  record: <><circle cx="8" cy="8" r="5.7" /><circle cx="8" cy="8" r="2.4" fill="currentColor" /></>,
  recordPause: <><circle cx="8" cy="8" r="5.7" /><path d="M6.6 6v4M9.4 6v4" /></>,
  headset: <><path d="M2.8 9.5V8a5.2 5.2 0 0 1 10.4 0v1.5" /><path d="M2.8 8.8h1.9v3.8H3.8a1 1 0 0 1-1-1zM13.2 8.8h-1.9v3.8h.9a1 1 0 0 0 1-1zM13 12.4c-.5 1.2-1.8 1.7-3.5 1.7" /></>,
  addPerson: <><circle cx="6" cy="5.5" r="2.4" /><path d="M1.6 13.2c.4-2.6 2.1-3.7 4.4-3.7 1 0 1.9.2 2.6.7M12 8.7v4.2M9.9 10.8h4.2" /></>,
  consult: <><path d="M1.8 3h8v5.5h-4l-2.2 1.9V8.5H1.8z" /><path d="M11.8 6h2.4v5.5h-1.4v1.9l-2.3-1.9H7.8" /></>,
  // a broker's things
  car: <><path d="M2 10.5V8.3l1.6-.6 1-2.9c.2-.5.6-.8 1.1-.8h4.6c.5 0 .9.3 1.1.8l1 2.9 1.6.6v2.2c0 .4-.3.8-.8.8H2.8c-.5 0-.8-.4-.8-.8zM3.6 7.7h8.8" /><circle cx="4.9" cy="11.6" r="1.2" /><circle cx="11.1" cy="11.6" r="1.2" /></>,
  home: <><path d="m2 7.6 6-5 6 5" /><path d="M3.8 6.5v7h8.4v-7M6.7 13.5V9.7h2.6v3.8" /></>,
  heart: <path d="M8 13.3C4.4 10.8 2.3 8.6 2.3 6.2a2.9 2.9 0 0 1 5.7-.9 2.9 2.9 0 0 1 5.7.9c0 2.4-2.1 4.6-5.7 7.1z" />,
  cross: <path d="M6.2 2.5h3.6v3.7h3.7v3.6H9.8v3.7H6.2V9.8H2.5V6.2h3.7z" />,
  briefcase: <><rect x="2" y="5" width="12" height="8.3" rx="1" /><path d="M5.8 5V3.3h4.4V5M2 8.7h12" /></>,
  doc: <><path d="M4 2h5.3L12.5 5v9H4z" /><path d="M9.2 2v3.2h3.3M6 8h4.3M6 10.7h4.3" /></>,
  euro: <path d="M12 4a4.6 4.6 0 1 0 0 8M2.8 6.9h6M2.8 9.1h5.4" />,
  calendar: <><rect x="2.5" y="3.5" width="11" height="10" rx="1" /><path d="M2.5 6.5h11M5.3 2v2.6M10.7 2v2.6" /></>,
  star: <path d="m8 2.2 1.8 3.7 4 .6-2.9 2.8.7 4L8 11.4l-3.6 1.9.7-4-2.9-2.8 4-.6z" />,
  flow: <><rect x="2" y="2.3" width="5" height="3.6" rx="1" /><rect x="9" y="10.1" width="5" height="3.6" rx="1" /><path d="M4.5 5.9V12H9M7 4.1h4.5v6" /></>,
  folder: <path d="M2 4h4.3l1.4 1.8H14v7.2H2z" />,
  upload: <path d="M8 10V2.8M5 5.5l3-3 3 3M2.5 13.2h11" />,
  link: <path d="M6.8 9.2a2.4 2.4 0 0 0 3.4 0l2.3-2.3a2.4 2.4 0 0 0-3.4-3.4L8 4.6M9.2 6.8a2.4 2.4 0 0 0-3.4 0L3.5 9.1a2.4 2.4 0 0 0 3.4 3.4L8 11.4" />,
  send: <path d="m2.5 3 11.5 5-11.5 5 1.7-5zM4.2 8H9" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof STROKES;

export function Icon({ name, size = 16, className }: { name: IconName; size?: 12 | 16 | 20 | 24; className?: string | undefined }) {
  return (
    <svg
      className={className ? `i ${className}` : "i"}
      viewBox="0 0 16 16"
      width={size}
      height={size}
      strokeWidth={size === 12 ? 2 : 1.5}
      aria-hidden="true"
      focusable="false"
    >
      {STROKES[name]}
    </svg>
  );
}

export type AgentStateName = "offline" | "away" | "available" | "ringing" | "on_contact" | "wrap_up";

const SHAPES: Record<AgentStateName, ReactNode> = {
  available: <><circle cx="6" cy="6" r="6" fill="var(--ok-mark)" /><path d="m3.3 6.2 1.9 1.9 3.5-3.9" stroke="var(--surface)" strokeWidth="1.6" fill="none" /></>,
  ringing: <><circle cx="6" cy="6" r="5" fill="none" stroke="var(--accent-solid)" strokeWidth="2" /><circle cx="6" cy="6" r="2" fill="var(--accent-solid)" /></>,
  on_contact: <rect x=".5" y=".5" width="11" height="11" rx="2" fill="var(--accent-solid)" />,
  wrap_up: <><circle cx="6" cy="6" r="5" fill="none" stroke="var(--warn-mark)" strokeWidth="2" /><path d="M6 1a5 5 0 0 0 0 10z" fill="var(--warn-mark)" /></>,
  away: <><circle cx="6" cy="6" r="5" fill="none" stroke="var(--idle-mark)" strokeWidth="2" /><path d="M3.5 6h5" stroke="var(--idle-mark)" strokeWidth="2" /></>,
  offline: <path d="m2 2 8 8m0-8-8 8" stroke="var(--idle-mark)" strokeWidth="2" />,
};

/** An agent's state as a shape of its own colour. Say the word beside it. */
export function StateShape({ state }: { state: AgentStateName }) {
  return (
    <svg className="st" viewBox="0 0 12 12" width={12} height={12} aria-hidden="true" focusable="false">
      {SHAPES[state]}
    </svg>
  );
}

export type Channel = "voice" | "chat" | "whatsapp" | "sms" | "email";
