/** The explanation record, as routing/core/explanation.py writes it. */
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

export interface Explanation {
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
  /** The fact that told who it is while they waited, and the rule that has decided since. */
  readvised?: [cause: string, rule: string] | null;
}
