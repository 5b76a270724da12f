/** A workflow's definition: what begins it, and its steps as text. */
import { api, ApiError, request } from "@contactcenter/shared/api";
import type { WorkflowOut } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { Button } from "@contactcenter/shared/ui";

import { useDesk } from "../context";
import { etagOf } from "./data";
import { Area, Form, In, Pick, useForm, type Values } from "./form";
import { type Step, stepFaults, stepsOf, TEMPLATES, withStep } from "./flow";
import { place } from "./place";
import { Shell } from "./Shell";
import { named, useW, type w, type Word } from "./texts";
import { WORK } from "./texts-work";

/** The events that have a word: te_policy_expiring_soon is policy.expiring_soon. */
const EVENTS = Object.keys(WORK)
  .filter((word) => word.startsWith("te_"))
  .map((word) => word.slice(3).replace("_", "."));
const TRIGGERS = ["manual", "event", "scheduled"] as const;

function configOf(v: Values, weekdays: readonly number[] | undefined): Record<string, unknown> {
  if (v.trigger_type === "manual") return {};
  if (v.trigger_type === "event") return { event: v.event, ...(v.condition?.trim() ? { if: v.condition.trim() } : {}) };
  return v.rhythm === "minutes" ? { every_minutes: Number(v.minutes) } : { daily_at: v.hour, ...(weekdays ? { weekdays } : {}) };
}

/** What a step was refused for, in a sentence. */
function sentence(say: typeof w, { reason, about }: { reason: string; about: string }): string {
  return Object.hasOwn(WORK, `ws_${reason}`) ? say(`ws_${reason}` as Word, { about }) : say("ws_form", { about });
}

export function WorkflowForm({ flow, onReload }: { flow: WorkflowOut | null; onReload?: () => void }) {
  const say = useW();
  const desk = useDesk();
  const config = (flow?.trigger_config ?? {}) as { event?: string; if?: string; every_minutes?: number; daily_at?: string; weekdays?: number[] };
  const form = useForm({
    id: `workflow ${flow?.workflow_id ?? "new"}`,
    version: flow?.version ?? 0,
    initial: {
      name: flow?.name ?? "",
      description: flow?.description ?? "",
      trigger_type: flow?.trigger_type ?? "manual",
      event: config.event ?? "claim.created",
      condition: config.if ?? "",
      rhythm: config.every_minutes ? "minutes" : "daily",
      minutes: String(config.every_minutes ?? 60),
      hour: config.daily_at ?? "08:00",
      steps: JSON.stringify(flow?.steps ?? [TEMPLATES.create_task], null, 2),
    },
    check: (v) => ({
      name: v.name?.trim() ? null : "missing",
      minutes: v.trigger_type !== "scheduled" || v.rhythm !== "minutes" || (/^\d{1,5}$/.test(v.minutes ?? "") && Number(v.minutes) >= 1 && Number(v.minutes) <= 10_080) ? null : "out_of_range",
      steps: stepsOf(v.steps ?? "") ? null : "bad_steps",
    }),
    send: async (v, _changed, began) => {
      const body = {
        name: v.name?.trim(),
        description: v.description?.trim() || null,
        trigger_type: v.trigger_type,
        trigger_config: configOf(v, config.weekdays),
        steps: stepsOf(v.steps ?? ""),
      };
      const path = `/workflows/${flow?.workflow_id}`;
      try {
        const saved = flow
          ? await api.patch<WorkflowOut>(path, body, etagOf(began ?? (await api.get<WorkflowOut>(path)).version))
          : await request<WorkflowOut>("POST", "/workflows", { body, key: crypto.randomUUID() });
        onReload?.();
        desk.turn(place("workflow", saved.workflow_id));
      } catch (problem) {
        throw placed(problem, v.trigger_type === "event" ? "condition" : "trigger_type");
      }
    },
  });
  const v = form.values;
  const faults = form.error instanceof ApiError ? stepFaults(form.error.ctx.steps as ApiError["errors"]) : [];
  const title = flow ? `${say("edit")} · ${flow.name}` : say("newWorkflow");
  const events = EVENTS.includes(v.event ?? "") ? EVENTS : [v.event ?? "", ...EVENTS];
  return (
    <Shell title={title}>
      {flow && <p className="t13 x2">{say("flowVersion")}</p>}
      <Form form={form} label={title} submit={say("save")} onLeave={desk.goBack} onReload={onReload}>
        <div className="grid">
          <In name="name" label={say("flowName")} maxLength={200} />
          <In name="description" label={say("flowAbout")} maxLength={1000} />
          <Pick name="trigger_type" label={say("trigger")} choices={TRIGGERS.map((one) => [one, say(`tt_by_${one}`)] as const)} />
          {v.trigger_type === "event" && (
            <>
              <Pick name="event" label={say("flowEvent")} choices={events.map((one) => [one, named(say, "te", one.replace(".", "_"))] as const)} />
              <In name="condition" label={say("flowIf")} hint={say("flowIfHint")} maxLength={500} />
            </>
          )}
          {v.trigger_type === "scheduled" && (
            <>
              <Pick name="rhythm" label={say("flowRhythm")} choices={(["daily", "minutes"] as const).map((one) => [one, say(`rh_${one}`)] as const)} />
              {v.rhythm === "minutes" ? <In name="minutes" label={say("flowMinutes")} inputMode="numeric" maxLength={5} /> : <In name="hour" label={say("flowHour")} type="time" />}
            </>
          )}
        </div>
        <div className="steps-in">
          <Area name="steps" label={say("flowSteps")} hint={say("flowStepsHint")} rows={14} maxLength={60_000} />
          {faults.length > 0 && (
            <ul role="alert">
              {faults.map((one, at) => (
                <li key={at} className="row c-bad t13">
                  <Icon name="octagon" size={12} />
                  {say("flowStep", { n: one.step + 1, fault: sentence(say, one) })}
                </li>
              ))}
            </ul>
          )}
          <div className="add-step">
            <span className="t13 x2">{say("flowAdd")}</span>
            {Object.values(TEMPLATES).map((one: Step) => (
              <Button key={one.type} size="small" icon="plus" onClick={() => form.set("steps", withStep(v.steps ?? "", one))}>
                {named(say, "st", one.type)}
              </Button>
            ))}
          </div>
        </div>
      </Form>
    </Shell>
  );
}

/** A refusal with what is wrong with steps put at the one field they are written in, and what is wrong
 * with the trigger at the field `at`. */
function placed(problem: unknown, at: string): unknown {
  if (!(problem instanceof ApiError)) return problem;
  const steps = problem.errors.filter((one) => one.loc.includes("steps"));
  const errors = problem.errors.map((one) => {
    if (steps.includes(one)) return { loc: ["steps"], type: "step_refused", msg: one.msg };
    return one.type === "bad_trigger" ? { ...one, loc: [at] } : one;
  });
  return new ApiError(problem.status, problem.detail, errors, problem.retryAfter, { ...problem.ctx, steps });
}
