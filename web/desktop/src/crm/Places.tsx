/** The way to the pages that are about nobody in particular, below the lists of work. */
import type { DueTasks } from "@contactcenter/shared/contract";
import { Icon, type IconName } from "@contactcenter/shared/icons";
import { useStore } from "@contactcenter/shared/store";

import { useDesk } from "../context";
import { To } from "./bits";
import { useRead } from "./data";
import { type Page, place } from "./place";
import { useW, type Word } from "./texts";

const PLACES: readonly [Page, IconName, Word][] = [
  ["tasks", "calendar", "tasks"],
  ["customers", "people", "customers"],
  ["workflows", "flow", "workflows"],
  ["office", "briefcase", "office"],
];

export function Places() {
  const say = useW();
  const now = useStore(useDesk().place);
  const count = useRead<DueTasks>("/tasks/due", "task");
  const { overdue, today: due } = count.kind === "there" ? count.value : { overdue: 0, today: 0 };
  return (
    <ul className="places" aria-label={say("places")}>
      {PLACES.map(([page, icon, word]) => (
        <li key={page}>
          <To place={place(page)} className={now?.page === page ? "on" : ""}>
            <Icon name={icon} />
            <span className="grow">{say(word)}</span>
            {page === "tasks" && overdue > 0 && (
              <span className="row c-bad t12"><Icon name="octagon" size={12} />{overdue}<span className="sr"> {say("due_overdue")}</span></span>
            )}
            {page === "tasks" && due > 0 && <span className="t12 x2">{due}<span className="sr"> {say("due_today")}</span></span>}
          </To>
        </li>
      ))}
    </ul>
  );
}
