/** The desk for every component below it. */
import type { AgentState } from "@contactcenter/shared/apply";
import { useStore } from "@contactcenter/shared/store";
import { createContext, useContext } from "react";

import type { Desk } from "./desk";

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error("no desk above this component");
  return desk;
}

/** The live state, or a part of it. Only below a desk that has its first snapshot. */
export function useAgent<P>(select: (state: AgentState) => P): P {
  return useStore(useDesk().state, (state) => {
    if (!state) throw new Error("the desk has no state yet");
    return select(state);
  });
}

/** Whether commands can be sent now. */
export const useLive = (): boolean => useStore(useDesk().live.link, (link) => link.kind === "live");
