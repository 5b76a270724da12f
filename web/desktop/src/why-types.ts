import type { InteractionCard } from "@contactcenter/shared/contract";

type Channel = InteractionCard["channel"];

interface Place {
  work_item: string;
  band: number;
  front: boolean;
  base: number;
  boost: number;
  score: number;
  virtual_start: number;
  waited_ms: number;
}

export interface WhyRecord {
  reservation_id: string;
  work_item_id: string;
  queue: string;
  channel: Channel;
  how: string;
  state: string;
  round: number;
  agent_id: string;
  agent_name: string;
  created_at: string;
  expires_at: string | null;
  ended_at: string | null;
  reason: string | null;
  entered_at: string;
  virtual_start: string;
  explanation: {
    how: string;
    strategy: string;
    queue: string;
    round: number;
    step: number;
    steps: number;
    pools: { step: number; size: number }[];
    chosen: string[];
    candidates: { agent: string; key: Record<string, string | number> }[];
    candidate_count: number;
    removed: { reason: string; count: number; agents: string[] }[];
    place: Place;
    rivals: Place[];
  };
}

export interface Why {
  interaction_id: string;
  records: WhyRecord[];
  agents: Record<string, string>;
  waiting: Record<string, { channel: Channel; queue: string }>;
}
