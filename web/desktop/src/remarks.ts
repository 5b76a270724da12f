/** Lines of the system in a conversation: a code that the server writes, said in the screen's language. */
import type { Key, useT } from "./texts";

const CODES: Record<string, Key> = {
  visitor_closed: "ev_visitor_closed",
  agent_closed: "ev_agent_closed",
  agent_joined: "ev_agent_joined",
  transferred: "ev_transferred",
  left_message: "ev_left_message",
};

export function remark(body: string, t: ReturnType<typeof useT>): string {
  const key = CODES[body];
  return key ? t(key) : body;
}
