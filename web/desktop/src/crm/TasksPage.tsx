/** Tasks: mine or the team's, by when they are due; done with a key, new from anywhere. */
import { api, request } from "@contactcenter/shared/api";
import type { CustomerOut, TaskOut } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { instant, today, wall } from "@contactcenter/shared/time";
import { Button, Chip, cls, IconButton } from "@contactcenter/shared/ui";
import type { ReactNode } from "react";

import { useAgent, useDesk } from "../context";
import { NotWritable, Read, To } from "./bits";
import { usePeople } from "./ClaimMove";
import { etagOf, usePages, useRead } from "./data";
import { Area, type Checks, type Choice, Form, In, Pick, useForm, type Values } from "./form";
import { useFormats } from "./format";
import { type Place, place } from "./place";
import { Shell, Told, useAct } from "./Shell";
import { named, useW, type Word } from "./texts";

const DUE = ["all", "today", "overdue", "done"] as const;

export function TasksPage({ with: wanted }: { with: Values }) {
  const say = useW();
  const desk = useDesk();
  const customer = wanted.customer ?? "";
  const whose = customer ? "team" : (wanted.whose ?? "mine");
  const due = DUE.find((one) => one === wanted.due) ?? "all";
  const query = new URLSearchParams({ limit: "100" });
  if (whose === "mine") query.set("mine", "true");
  if (customer) query.set("customer_id", customer);
  if (due === "done") query.set("sort", "completed");
  else {
    query.set("open", "true");
    query.set("sort", "due");
  }
  if (due === "today" || due === "overdue") query.set("due", due);
  const tasks = usePages<TaskOut>(`/tasks?${query}`, "task");
  // Somebody was led to this one: it is shown, wherever in the list it stands.
  const wantedOne = useRead<TaskOut>(wanted.task && due !== "done" ? `/tasks/${wanted.task}` : null, "task");
  const led = wantedOne.kind === "there" && OPEN.has(wantedOne.value.status) ? wantedOne.value : null;
  const show = (next: Record<string, string>) => desk.turn(place("tasks", "", { whose, due, customer, ...next }));
  const of = useRead<CustomerOut>(customer ? `/customers/${customer}` : null);
  return (
    <Shell
      title={say("tasks")}
      {...(customer ? { about: customer } : {})}
      line={of.kind === "there" ? <To place={place("customer", customer)}>{of.value.name}</To> : undefined}
      actions={
        <>
          {!customer && (
            <Choose label={say("whose")} options={["mine", "team"] as const} now={whose} name={(one) => say(one)} onPick={(one) => show({ whose: one })} />
          )}
          <Choose label={say("which")} options={DUE} now={due} name={(one) => say(`due_${one}` as Word)} onPick={(one) => show({ due: one })} />
          {(!customer || (of.kind === "there" && of.value.writable)) && (
            <Button size="small" kind="primary" icon="plus" onClick={() => desk.go(place("new", "task", customer ? { customer } : {}))}>{say("newTask")}</Button>
          )}
        </>
      }
    >
      <Read of={tasks} lines={6}>
        {({ items, next_cursor }) => (
          <>
            <TaskRows items={led && !items.some((one) => one.task_id === led.task_id) ? [led, ...items] : items} onChanged={tasks.retry} open={wanted.task} ordered={due === "done"} />
            {next_cursor !== null && <Button size="small" kind="quiet" onClick={tasks.more}>{say("seeMore")}</Button>}
          </>
        )}
      </Read>
    </Shell>
  );
}

export function Choose<K extends string>({ label, options, now, name, onPick }: { label: string; options: readonly K[]; now: string; name: (one: K) => string; onPick: (one: K) => void }) {
  return (
    <div className="choose" role="group" aria-label={label}>
      {options.map((one) => (
        <button key={one} type="button" aria-pressed={one === now} className={cls(one === now && "on")} onClick={() => onPick(one)}>{name(one)}</button>
      ))}
    </div>
  );
}

/** Late and soonest first, those without a day last. */
function byUrgency(a: TaskOut, b: TaskOut): number {
  return (a.due_date ?? "9").localeCompare(b.due_date ?? "9") || RANK.indexOf(b.priority) - RANK.indexOf(a.priority);
}
const RANK = ["low", "medium", "high", "urgent"];
const OPEN = new Set(["pending", "in_progress"]);

export function TaskRows({ items, onChanged, open, plain, ordered }: { items: readonly TaskOut[]; onChanged: () => void; open?: string | undefined; plain?: boolean; ordered?: boolean }) {
  const say = useW();
  const { busy, error, done, act } = useAct();
  const sorted = ordered ? items : [...items].sort(byUrgency);
  const me = useAgent((state) => state.me);
  const take = (one: TaskOut) =>
    void act(() => api.patch(`/tasks/${one.task_id}`, { assigned_agent: me.agent_id }, etagOf(one.version)), say("taskTaken", { title: one.title })).then(onChanged);
  const end = (one: TaskOut, how: "complete" | "cancel") =>
    void act(() => api.post(`/tasks/${one.task_id}/${how}`, undefined, { etag: etagOf(one.version) }), how === "complete" ? say("taskDone", { title: one.title }) : say("ts_cancelled")).then(onChanged);
  return (
    <>
      {!plain || error ? <Told error={error} done={done} /> : null}
      {items.length === 0 && <p className="t13 x3">{say(ordered ? "noneDone" : "noTasks")}</p>}
      <ul className="tasks">
        {sorted.map((one) => <TaskRow key={one.task_id} one={one} busy={busy} shown={open === one.task_id} plain={plain === true} onEnd={end} onTake={take} />)}
      </ul>
    </>
  );
}

function aboutOf(one: TaskOut): Place | null {
  if (one.claim_id) return place("claim", one.claim_id);
  if (one.quote_id) return place("quote", one.quote_id);
  if (one.policy_id) return place("policy", one.policy_id);
  return one.customer_id ? place("customer", one.customer_id) : null;
}

interface RowProps {
  one: TaskOut;
  busy: boolean;
  shown: boolean;
  plain: boolean;
  onEnd: (one: TaskOut, how: "complete" | "cancel") => void;
  onTake: (one: TaskOut) => void;
}

function TaskRow({ one, busy, shown, plain, onEnd, onTake }: RowProps) {
  const say = useW();
  const desk = useDesk();
  const { day, moment } = useFormats();
  const about = aboutOf(one);
  const open = OPEN.has(one.status);
  const high = one.priority === "high" || one.priority === "urgent";
  return (
    <li className={cls("task", one.overdue && "late", shown && "at")}>
      {one.may.includes("complete") ? (
        <button type="button" className="done-box" disabled={busy} aria-label={`${say("complete")}: ${one.title}`} title={say("complete")} onClick={() => onEnd(one, "complete")}>
          <Icon name="check" size={12} />
        </button>
      ) : (
        <Icon name={open ? "calendar" : one.status === "completed" ? "check" : "close"} className="x3" />
      )}
      <div className="grow">
        <p className={cls("row", !open && "x3")}>
          {about ? <To place={about} className="cut b">{one.title}</To> : <span className="cut b">{one.title}</span>}
          {high && <Chip tone={one.priority === "urgent" ? "bad" : "warn"} icon={one.priority === "urgent" ? "octagon" : "triangle"}>{named(say, "pr", one.priority)}</Chip>}
          {one.status === "in_progress" && <Chip tone="acc" icon="play">{say("ts_in_progress")}</Chip>}
        </p>
        <p className="t12 x3 cut">
          {!plain && one.customer_name && one.customer_id && (
            <><To place={place("customer", one.customer_id)}>{one.customer_name}</To>{" · "}</>
          )}
          {[
            one.task_type !== "general" ? named(say, "tt", one.task_type) : "",
            one.assignee_name ?? say("nobody"),
            one.complaint ? say("complaintClock", { day: one.complaint.working_day, of: one.complaint.of, date: day(one.complaint.due_on) }) : "",
            one.description ?? "",
          ].filter(Boolean).join(" · ")}
        </p>
      </div>
      <span className={cls("t13 nowrap", one.overdue && open ? "c-bad" : "x2")}>
        {one.overdue && open && <><Icon name="octagon" size={12} /> <span className="sr">{say("overdue")}</span></>}
        {one.completed_at ? say("doneOn", { at: moment(one.completed_at) }) : one.due_date ? moment(one.due_date) : say("noDue")}
      </span>
      {one.may.includes("take") && <Button size="small" kind="quiet" disabled={busy} onClick={() => onTake(one)}>{say("takeTask")}<span className="sr"> {one.title}</span></Button>}
      {one.may.includes("edit") && <IconButton icon="edit" label={`${say("editTask")}: ${one.title}`} onClick={() => desk.go(place("task", one.task_id))} />}
      {one.may.includes("cancel") && <IconButton icon="close" label={`${say("cancelTask")}: ${one.title}`} disabled={busy} onClick={() => onEnd(one, "cancel")} />}
    </li>
  );
}

const TYPES = ["general", "call", "email", "documents", "claim", "receipt", "renewal", "complaint"] as const;
const PRIORITIES = ["low", "medium", "high", "urgent"] as const;

const checkTask = (v: Values): Checks => ({
  title: v.title?.trim() ? null : "missing",
  due: v.task_type !== "complaint" && v.due && instant(v.due) === null ? "bad_date" : null,
  law_due: v.task_type === "complaint" && v.law_due && instant(v.law_due) === null ? "bad_date" : null,
  received_on: v.task_type === "complaint" && !v.received_on ? "missing" : null,
});

const bodyOf = (v: Values): Record<string, unknown> => ({
  title: v.title?.trim(),
  description: v.description?.trim() || null,
  priority: v.priority,
  due_date: v.due ? instant(v.due) : null,
});

/** What every task has. */
function TaskFields({ people, law, children }: { people: readonly Choice[]; law?: boolean; children?: ReactNode }) {
  const say = useW();
  return (
    <div className="grid">
      <In name="title" label={say("title")} maxLength={100} wide />
      {law ? (
        <In key="law" name="law_due" label={say("dueOn")} hint={say("dueByLaw")} type="datetime-local" />
      ) : (
        <In key="due" name="due" label={say("dueOn")} type="datetime-local" />
      )}
      <Pick name="assigned_agent" label={say("assignee")} choices={people} />
      <Pick name="priority" label={say("priority")} choices={PRIORITIES.map((one) => [one, named(say, "pr", one)] as const)} />
      {children}
      <Area name="description" label={say("detail")} rows={3} />
    </div>
  );
}

export function NewTask({ with: about }: { with: Values }) {
  const say = useW();
  const desk = useDesk();
  const people = usePeople();
  const me = useAgent((state) => state.me);
  const form = useForm({
    id: `task new ${about.interaction ?? about.customer ?? ""}`,
    initial: { title: "", description: "", priority: "medium", task_type: "general", due: `${today()}T18:00`, law_due: "", assigned_agent: me.agent_id, received_on: today() },
    check: checkTask,
    send: async (v) => {
      const body: Record<string, unknown> = { ...bodyOf(v), task_type: v.task_type };
      if (v.assigned_agent !== me.agent_id) body.assigned_agent = v.assigned_agent;
      // A complaint's day is the law's, which the server knows, unless somebody says another.
      if (v.task_type === "complaint") Object.assign(body, { received_on: v.received_on, due_date: v.law_due ? instant(v.law_due) : null });
      for (const name of ["customer", "policy", "claim", "quote", "interaction"]) if (about[name]) body[`${name}_id`] = about[name];
      await request("POST", "/tasks", { body, key: crypto.randomUUID() });
      desk.goBack();
    },
  });
  const title = say("newTaskTitle");
  return (
    <Shell title={title} about={about.customer ?? null} line={about.interaction ? say("comesFrom") : undefined}>
      <Form form={form} label={title} submit={say("save")} onLeave={desk.goBack}>
        <TaskFields people={people} law={form.values.task_type === "complaint"}>
          <Pick name="task_type" label={say("taskType")} choices={TYPES.map((one) => [one, named(say, "tt", one)] as const)} />
          {form.values.task_type === "complaint" && <In name="received_on" label={say("receivedOn")} type="date" />}
        </TaskFields>
      </Form>
    </Shell>
  );
}

export function TaskPage({ id }: { id: string }) {
  const say = useW();
  const task = useRead<TaskOut>(`/tasks/${id}`, "task");
  if (task.kind !== "there") return <Shell title={say("task")} busy={task.kind === "loading"}><Read of={task}>{() => null}</Read></Shell>;
  return <EditTask key={id} task={task.value} onReload={task.retry} />;
}

function EditTask({ task, onReload }: { task: TaskOut; onReload: () => void }) {
  const say = useW();
  const desk = useDesk();
  const team = usePeople(say("nobody"));
  // Of somebody whom this desk does not list: the name stays as it is.
  const given = task.assigned_agent ?? "";
  const people = team.some(([one]) => one === given) ? team : [...team, [given, task.assignee_name ?? say("nobody")] as const];
  const form = useForm({
    id: `task ${task.task_id}`,
    initial: {
      title: task.title, description: task.description ?? "", priority: task.priority, status: task.status,
      due: task.due_date ? wall(task.due_date) : "", assigned_agent: given,
    },
    check: checkTask,
    version: task.version,
    send: async (v, changed, began) => {
      const all: Record<string, unknown> = { ...bodyOf(v), status: v.status };
      const body = Object.fromEntries([...changed].map((name) => (name === "due" ? ["due_date", all.due_date] : [name, all[name]])));
      if (changed.has("assigned_agent")) Object.assign(body, { assigned_agent: v.assigned_agent || null, assigned_to: null });
      const version = began ?? (await api.get<TaskOut>(`/tasks/${task.task_id}`)).version;
      if (changed.size > 0) await api.patch(`/tasks/${task.task_id}`, body, etagOf(version));
      desk.goBack();
    },
  });
  const ended = !OPEN.has(task.status);
  const about = aboutOf(task);
  return (
    <Shell
      title={task.may.includes("edit") ? say("editTask") : task.title}
      about={task.customer_id}
      line={about && <To place={about}>{task.customer_name ?? say("task")}</To>}
    >
      {ended ? (
        <p className="t13 x3">{named(say, "ts", task.status)}</p>
      ) : !task.may.includes("edit") ? (
        <>
          <NotWritable />
          <TaskRows items={[task]} onChanged={onReload} />
        </>
      ) : (
        <Form form={form} label={say("editTask")} submit={say("save")} onLeave={desk.goBack} onReload={onReload}>
          <TaskFields people={people}>
            <Pick name="status" label={say("custStatus")} choices={(["pending", "in_progress"] as const).map((one) => [one, named(say, "ts", one)] as const)} />
          </TaskFields>
        </Form>
      )}
    </Shell>
  );
}
