/** Workflows: what begins them, a picture of their steps, and their runs step by step. */
import { api, request, session } from "@contactcenter/shared/api";
import type { CustomerOut, ExecutionOut, ExecutionPage, StepRun, WorkflowOut, WorkflowPage, WorkflowRow } from "@contactcenter/shared/contract";
import { Icon, type IconName } from "@contactcenter/shared/icons";
import { useStore } from "@contactcenter/shared/store";
import { Button, Chip, cls } from "@contactcenter/shared/ui";
import type { ReactNode } from "react";

import { useDesk } from "../context";
import { Read, RunChip, Section, To } from "./bits";
import { etagOf, useRead } from "./data";
import { drawn, met, nameOf, span, type Step, type Target } from "./flow";
import { useFormats } from "./format";
import { place } from "./place";
import { whyFailed } from "./refused";
import { Shell, Told, useAct } from "./Shell";
import { WorkflowForm } from "./WorkflowForm";
import { named, useW, type w } from "./texts";

export function triggerText(say: typeof w, one: Pick<WorkflowRow, "trigger_type" | "trigger_config">): string {
  const config = one.trigger_config as { event?: string; every_minutes?: number; daily_at?: string };
  if (one.trigger_type === "event") return say("tr_event", { event: named(say, "te", config.event?.replace(".", "_")) });
  if (one.trigger_type === "manual") return say("tr_manual");
  return config.every_minutes ? say("tr_scheduled_minutes", { n: config.every_minutes }) : say("tr_scheduled_daily", { at: config.daily_at ?? "" });
}

export function WorkflowsPage() {
  const say = useW();
  const { moment } = useFormats();
  const desk = useDesk();
  const flows = useRead<WorkflowPage>("/workflows?limit=100", "workflow");
  return (
    <Shell
      title={say("workflows")}
      actions={useManages() && <Button size="small" kind="primary" icon="plus" onClick={() => desk.go(place("new", "workflow"))}>{say("workflow")}</Button>}
    >
      <Read of={flows} lines={5}>
        {({ items }) => (
          <ul className="things wide-rows">
            {items.length === 0 && <li className="x3 t13">{say("noWorkflows")}</li>}
            {items.map((one) => (
              <li key={one.workflow_id} className="thing">
                <Icon name="flow" />
                <To place={place("workflow", one.workflow_id)} className="cut b">{one.name}</To>
                <span className="row thing-end">
                  <span className="t12 x3">{say("times", { count: one.execution_count })}</span>
                  <Chip tone={one.active ? "ok" : "idle"} icon={one.active ? "check" : "pause"}>{say(one.active ? "active" : "inactive")}</Chip>
                </span>
                <span className="s cut">
                  {[triggerText(say, one), one.last_executed_at ? say("lastRun", { date: moment(one.last_executed_at) }) : "", one.description ?? ""].filter(Boolean).join(" · ")}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Read>
    </Shell>
  );
}

const useManages = (): boolean => useStore(session)?.permissions.includes("workflows.manage") ?? false;

export function WorkflowOne({ id, edit }: { id: string; edit: boolean }) {
  const say = useW();
  const flow = useRead<WorkflowOut>(`/workflows/${id}`);
  if (flow.kind !== "there")
    return <Shell title={say("workflow")} busy={flow.kind === "loading"}><Read of={flow}>{() => null}</Read></Shell>;
  if (edit) return <WorkflowForm key={id} flow={flow.value} onReload={flow.retry} />;
  return <Shown flow={flow.value} onChanged={flow.retry} />;
}

function Shown({ flow, onChanged }: { flow: WorkflowOut; onChanged: () => void }) {
  const say = useW();
  const desk = useDesk();
  const about = useStore(desk.about);
  const { moment } = useFormats();
  const { busy, error, act } = useAct();
  const runs = useRead<ExecutionPage>(`/workflows/${flow.workflow_id}/executions?limit=30`, "workflow");
  const manages = useManages();
  // A run about somebody writes in their file.
  const of = useRead<CustomerOut>(flow.active && flow.trigger_type === "manual" && about ? `/customers/${about}` : null);
  const mayRun = about === null || (of.kind === "there" && of.value.writable);
  const start = () =>
    void act(async () => {
      const body = about ? { customer_id: about } : {};
      const run = await request<ExecutionOut>("POST", `/workflows/${flow.workflow_id}/execute`, { body, key: crypto.randomUUID() });
      desk.go(place("run", run.execution_id));
    });
  const turn = () => void act(() => api.patch(`/workflows/${flow.workflow_id}`, { active: !flow.active }, etagOf(flow.version))).then(onChanged);
  return (
    <Shell
      title={flow.name}
      chips={<Chip tone={flow.active ? "ok" : "idle"} icon={flow.active ? "check" : "pause"}>{say(flow.active ? "active" : "inactive")}</Chip>}
      line={[triggerText(say, flow), say("version", { n: flow.version }), flow.description].filter(Boolean).join(" · ")}
      actions={
        <>
          {flow.active && flow.trigger_type === "manual" && mayRun && (
            <Button size="small" kind="primary" icon="play" disabled={busy} onClick={start} title={about ? say("runFor") : undefined}>{say("runNow")}</Button>
          )}
          {manages && <Button size="small" icon="edit" onClick={() => desk.go(place("workflow", flow.workflow_id, { form: "edit" }))}>{say("edit")}</Button>}
          {manages && <Button size="small" icon={flow.active ? "pause" : "play"} disabled={busy} onClick={turn}>{say(flow.active ? "switchOff" : "switchOn")}</Button>}
        </>
      }
    >
      <Told error={error} />
      <Section title={say("picture")}>
        <Picture steps={flow.steps as unknown as Step[]} begins={triggerText(say, flow)} />
      </Section>
      <Section title={say("runs")}>
        <Read of={runs}>
          {({ items }) => (
            <ul className="things">
              {items.length === 0 && <li className="x3 t13">{say("noRuns")}</li>}
              {items.map((one) => (
                <li key={one.execution_id} className="thing">
                  <Icon name="play" />
                  <To place={place("run", one.execution_id)} className="cut">{moment(one.started_at)}</To>
                  <span className="row thing-end"><RunChip status={one.status} /></span>
                  <span className="s cut">
                    {[say("stepsDone", { done: one.steps_completed, of: one.steps_total }), one.wake_at ? say("wakes", { date: moment(one.wake_at) }) : ""].filter(Boolean).join(" · ")}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Read>
      </Section>
    </Shell>
  );
}

const ICONS: Record<string, IconName> = {
  send_email: "email", create_task: "calendar", update_record: "edit", call_webhook: "globe", wait_duration: "clock", condition_check: "help",
};

/** What a step does, in one line: its subject, title, field, address, time or condition. */
function detail(say: typeof w, step: Step): string {
  const config = step.config;
  switch (step.type) {
    case "send_email":
      return String(config.subject ?? "");
    case "create_task":
      return String(config.title ?? "");
    case "update_record":
      return `${named(say, "rec", String(config.record ?? "customer"))} · ${named(say, "fd", String(config.field ?? ""))}: ${String(config.value ?? "")}`;
    case "call_webhook":
      return String(config.url ?? "");
    case "wait_duration":
      return span(Number(config.seconds ?? 0));
    default:
      return String(config.if ?? "");
  }
}

/** What a step left behind: a task to look at, an answer's number, or what was changed. */
function Result({ of }: { of: Record<string, unknown> }) {
  const say = useW();
  if (typeof of.task_id === "string") return <p className="t12"><To place={place("tasks", "", { whose: "team", task: of.task_id })}>{say("seeTask")}</To></p>;
  const shown = Object.entries(of).filter(([key, value]) => !key.endsWith("_id") && key !== "went" && ["string", "number"].includes(typeof value));
  return shown.length > 0 && <p className="t12 x3 cut">{shown.map(([key, value]) => `${key.replaceAll("_", " ")}: ${String(value)}`).join(" · ")}</p>;
}

function Picture({ steps, begins, run }: { steps: readonly Step[]; begins: string; run?: ExecutionOut }) {
  const say = useW();
  const rows = drawn(steps);
  const goes = (at: number, to: Target): string => (to === "end" ? say("goes_end") : to === at + 1 ? say("goes_next") : say("goesTo", { step: `${to + 1}` }));
  return (
    <ol className="flow">
      <li className="flow-end"><span className="box"><Icon name="play" size={12} />{say("begin")}: {begins}</span></li>
      {rows.map(({ at, step, name, ways, target }) => {
        const how = run && met<StepRun>(at, run.steps, run.status);
        const state = how?.state;
        return (
          <li key={at} className={cls("flow-step", ways && "asks", state && `is-${state}`)}>
            <span className="num">{at + 1}</span>
            <div className="box">
              <Icon name={ICONS[step.type] ?? "info"} />
              <div className="grow">
                <p className="b">
                  {named(say, "st", step.type)} {step.name && <span className="x3 nb mono">{nameOf(step, at)}</span>}
                  {target && <span className="sr"> {name}</span>}
                </p>
                <p className="t13 x2 said">{detail(say, step)}</p>
                {step.if && <p className="t12 x3">{say("onlyIf", { condition: step.if })}</p>}
                {how?.last?.error && <p className="t12 c-bad">{whyFailed(how.last.result, say)}</p>}
                {how?.last?.result && !how.last.error && <Result of={how.last.result} />}
                {how && how.times > 1 && <p className="t12 x3">{say("rounds", { count: how.times })}</p>}
              </div>
              {state && <RunChip status={state} group="sr" />}
            </div>
            {ways && (
              <ul className="ways">
                <Way icon="check" tone="c-ok" taken={how?.went ? how.went === "then" : null}>{say("then")}: {goes(at, ways.then)}</Way>
                <Way icon="close" tone="x2" taken={how?.went ? how.went === "else" : null}>{say("otherwise")}: {goes(at, ways.otherwise)}</Way>
              </ul>
            )}
          </li>
        );
      })}
      <li className="flow-end"><span className="box"><Icon name="check" size={12} />{say("end")}</span></li>
    </ol>
  );
}

/** One of a fork's ways; `taken` when a run has decided there. */
function Way({ icon, tone, taken, children }: { icon: IconName; tone: string; taken: boolean | null; children: ReactNode }) {
  const say = useW();
  return (
    <li className={taken === null ? tone : taken ? "taken" : "x3"}>
      <Icon name={icon} size={12} />
      <span>{children}{taken && ` ${say("wayTaken")}`}</span>
    </li>
  );
}

export function RunPage({ id }: { id: string }) {
  const say = useW();
  const run = useRead<ExecutionOut>(`/workflow-executions/${id}`, "workflow", "task");
  const flow = useRead<WorkflowOut>(run.kind === "there" ? `/workflows/${run.value.workflow_id}` : null);
  const manages = useManages();
  const { moment } = useFormats();
  const { busy, error, act } = useAct();
  if (run.kind !== "there")
    return <Shell title={say("run")} busy={run.kind === "loading"}><Read of={run}>{() => null}</Read></Shell>;
  const one = run.value;
  const over = !["running", "waiting"].includes(one.status);
  const failed = one.steps.findLast((step) => step.status === "failed");
  return (
    <Shell
      title={flow.kind === "there" ? flow.value.name : say("run")}
      chips={<RunChip status={one.status} />}
      line={[moment(one.started_at), say("version", { n: one.version }), say("stepsDone", { done: one.steps_completed, of: one.steps_total })].join(" · ")}
      actions={!over && manages && <Button size="small" disabled={busy} onClick={() => void act(() => api.post(`/workflow-executions/${id}/cancel`)).then(run.retry)}>{say("cancelRun")}</Button>}
    >
      <Told error={error} />
      {one.error_message && <p className="box-msg bad"><Icon name="octagon" />{failed ? whyFailed(failed.result, say) : say("we_too_many_steps")}</p>}
      {one.wake_at && <p className="box-msg calm"><Icon name="clock" />{say("wakes", { date: moment(one.wake_at) })}</p>}
      {flow.kind === "there" && <Picture steps={one.definition as unknown as Step[]} begins={triggerText(say, flow.value)} run={one} />}
    </Shell>
  );
}
