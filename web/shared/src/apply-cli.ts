/** The reducer as a filter for Node; its input and output are described at the head of apply.ts. */
import { readFileSync } from "node:fs";

import { apply, type AgentState } from "./apply";

const { state, events } = JSON.parse(readFileSync(0, "utf8")) as {
  state: AgentState;
  events: [string, unknown][];
};
process.stdout.write(JSON.stringify(events.reduce((now, [name, payload]) => apply(now, name, payload), state)));
