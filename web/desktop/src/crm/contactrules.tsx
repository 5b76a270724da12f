/** The rules by which contacts are routed: what must be known of one, and what routing is told then. */
import { api } from "@contactcenter/shared/api";
import { type ContactRule, RULE_FACTS, RULE_GREETINGS, RULE_PEOPLE, RULE_THEN, type RuleEffect } from "@contactcenter/shared/contract";
import { Button, IconButton } from "@contactcenter/shared/ui";

import { useAgent } from "../context";
import { Section } from "./bits";
import type { Fault } from "./checks";
import { type Checks, type Choice, freeRow, In, Pick, rowsOf, useFormState, type Values } from "./form";
import { type Kind, query } from "./kind";
import { named, useW, type w } from "./texts";

type Fact = keyof typeof RULE_FACTS;

/** What each fact is compared with; the office's segments are those that it seeds. */
const COMPARED: Readonly<Record<string, "yes_no" | "number" | readonly string[]>> = {
  ...RULE_FACTS,
  segment: ["vip", "fleet", "business", "family", "loyal", "at_risk", "standard", "lapsed", "lead"],
};
const FACTS = Object.keys(RULE_FACTS) as Fact[];
const isYesNo = (fact: string) => COMPARED[fact] === "yes_no";
const isNumber = (fact: string) => COMPARED[fact] === "number";
const wordsOf = (fact: string): readonly string[] => {
  const of = COMPARED[fact];
  return typeof of === "object" ? of : [];
};

/** How each effect is typed in: every one that there is. */
const TYPED: Readonly<Record<RuleEffect, "word" | "seconds" | "number" | "skills" | "yes_no">> = {
  queue: "word", skill: "word", permission: "word", task_for: "word", banner: "word", preferred: "word", then: "word", greeting: "word",
  preferred_s: "seconds", skill_s: "seconds", overflow_s: "seconds",
  band: "number", base: "number", skill_level: "number",
  overflow: "skills",
  fifo: "yes_no",
};
const EFFECTS = Object.keys(TYPED) as RuleEffect[];
const typed = (...kinds: (typeof TYPED)[RuleEffect][]): RuleEffect[] => EFFECTS.filter((one) => kinds.includes(TYPED[one]));
const MOST = 12;

const told = (say: typeof w, fact: string, value: unknown): string => {
  if (typeof value === "boolean") return say(value ? "yes" : "no").toLowerCase();
  const word = String(value);
  return fact === "peril" ? named(say, "ca", word) : fact === "segment" ? named(say, "seg", word) : fact === "key" ? named(say, "ck", word) : word;
};

/** A condition as one reads it. */
function conditionSaid(say: typeof w, fact: string, condition: Record<string, unknown>): string {
  const name = named(say, "cf", fact);
  if ("is" in condition) return `${name}: ${told(say, fact, condition.is)}`;
  const { min, max } = condition;
  return [name, min !== undefined && `≥ ${String(min)}`, max !== undefined && `≤ ${String(max)}`].filter(Boolean).join(" ");
}

function effectSaid(say: typeof w, name: string, value: unknown): string {
  const word = named(say, "ce", name);
  if (name === "overflow") return `${word}: ${overflowText(value)}`;
  if (name === "banner") return `${word}: ${named(say, "b", String(value), { n: "…", date: "…" })}`;
  if (name === "preferred") return `${word}: ${named(say, "cp", String(value))}`;
  if (name === "greeting") return `${word}: ${named(say, "cg", String(value))}`;
  if (name === "then") return `${word}: ${named(say, "ct", String(value))}`;
  return typeof value === "boolean" ? `${word}: ${told(say, name, value)}` : `${word}: ${String(value)}`;
}

type Skills = Record<string, number>;

/** [{SA: 1}, {PR: 1, SH: 2}] ⇄ SA 1; PR 1 + SH 2 */
export const overflowText = (value: unknown): string =>
  Array.isArray(value) ? value.map((one: Skills) => Object.entries(one).map(([skill, level]) => `${skill} ${level}`).join(" + ")).join("; ") : "";

/** null: it is none. */
export function overflowOf(text: string): Skills[] | null {
  const found: Skills[] = [];
  for (const one of text.split(";").map((part) => part.trim()).filter(Boolean)) {
    const skills: Skills = {};
    for (const part of one.split("+")) {
      const [, skill, level] = /^\s*([A-Za-z][\w-]{0,39})\s+([1-5])\s*$/.exec(part) ?? [];
      if (skill === undefined) return null;
      skills[skill] = Number(level);
    }
    found.push(skills);
  }
  return found;
}

const whole = (text: string, low: number, high: number): Fault | null => (/^\d+$/.test(text) && Number(text) >= low && Number(text) <= high ? null : "out_of_range");
const bound = (text: string): Fault | null => (/^-?\d{1,9}(\.\d+)?$/.test(text) ? null : "bad_number");
const given = (v: Values, name: string): string => (v[name] ?? "").trim();

export function valuesOf(rule: ContactRule, before: string): Values {
  const values: Record<string, string> = { name: rule.name, after: before };
  Object.entries(rule.conditions ?? {}).forEach(([fact, condition], n) => {
    const { is, min, max } = condition as Record<string, unknown>;
    values[`if.${n}.fact`] = fact;
    values[`if.${n}.is`] = is === undefined || is === null ? "" : typeof is === "boolean" ? (is ? "yes" : "no") : String(is);
    values[`if.${n}.min`] = min === undefined ? "" : String(min);
    values[`if.${n}.max`] = max === undefined ? "" : String(max);
  });
  const effects = rule.effects ?? {};
  for (const name of EFFECTS)
    values[name] = name === "overflow" ? overflowText(effects[name]) : name === "fifo" ? (effects[name] ? "yes" : "") : effects[name] === undefined ? "" : String(effects[name]);
  return values;
}

export function ruleOf(v: Values): ContactRule {
  const conditions: Record<string, unknown> = {};
  for (const n of rowsOf(v, "if")) {
    const fact = given(v, `if.${n}.fact`);
    const [is, min, max] = (["is", "min", "max"] as const).map((one) => given(v, `if.${n}.${one}`));
    if (isNumber(fact)) conditions[fact] = { ...(min ? { min: Number(min) } : {}), ...(max ? { max: Number(max) } : {}) };
    else conditions[fact] = { is: isYesNo(fact) ? is === "yes" : is };
  }
  const effects: Record<string, unknown> = {};
  for (const name of typed("word")) if (given(v, name)) effects[name] = given(v, name);
  for (const name of typed("seconds", "number")) if (given(v, name)) effects[name] = Number(given(v, name));
  const overflow = overflowOf(given(v, "overflow"));
  if (overflow && overflow.length > 0) effects.overflow = overflow;
  if (v.fifo === "yes") effects.fifo = true;
  return { name: given(v, "name"), conditions, effects };
}

function check(v: Values, row: ContactRule | null, all: readonly ContactRule[]): Checks {
  const found: Record<string, Fault | null> = {};
  const name = given(v, "name");
  found.name = row ? null : !name ? "missing" : !/^[a-z][a-z0-9_]{1,39}$/.test(name) ? "bad_rule_name" : all.some((one) => one.name === name) ? "key_taken" : null;
  const seen = new Set<string>();
  for (const n of rowsOf(v, "if")) {
    const fact = given(v, `if.${n}.fact`);
    found[`if.${n}.fact`] = seen.has(fact) ? "twice" : null;
    seen.add(fact);
    const [min, max] = [given(v, `if.${n}.min`), given(v, `if.${n}.max`)];
    if (isNumber(fact)) {
      found[`if.${n}.min`] = min ? bound(min) : max ? null : "missing";
      found[`if.${n}.max`] = max ? (bound(max) ?? (min && Number(max) < Number(min) ? "out_of_range" : null)) : null;
    } else found[`if.${n}.is`] = given(v, `if.${n}.is`) ? null : "missing";
  }
  for (const one of typed("seconds")) found[one] = given(v, one) ? whole(given(v, one), 0, 3600) : null;
  found.base = given(v, "base") ? whole(given(v, "base"), 0, 100) : null;
  found.overflow = overflowOf(given(v, "overflow")) === null ? "bad_overflow" : null;
  return found;
}

/** The rules with this one in its place: after the one that it names, first without. */
export function placed(all: readonly ContactRule[], rule: ContactRule, after: string): ContactRule[] {
  const rest = all.filter((one) => one.name !== rule.name);
  const at = rest.findIndex((one) => one.name === after) + 1;
  return [...rest.slice(0, at), rule, ...rest.slice(at)];
}

const beforeOf = (all: readonly ContactRule[], rule: ContactRule): string => all[all.findIndex((one) => one.name === rule.name) - 1]?.name ?? "";

export function useContactRules(): Kind<ContactRule> {
  const say = useW();
  const queues = Object.keys(useAgent((state) => state.queues)).sort();
  const path = "/contact-rules";
  const put = (items: readonly ContactRule[], etag: string) => api.put(path, { items }, etag);
  const choice = (group: string, words: readonly string[]): readonly Choice[] => [["", "—"], ...words.map((one) => [one, named(say, group, one)] as const)];
  const levels: readonly Choice[] = [["", "—"], ...[1, 2, 3, 4, 5].map((n) => [String(n), String(n)] as const)];
  const lines = (all: readonly string[]) => (all.length === 0 ? say("always") : all.map((one) => <span key={one} className="rule-line">{one}</span>));
  return {
    path,
    query: "",
    right: "portfolios.all",
    columns: [
      { label: say("ruleName"), cell: (row, all) => `${all.indexOf(row) + 1}. ${row.name.replaceAll("_", " ")}` },
      { label: say("ruleIf"), cell: (row) => lines(Object.entries(row.conditions ?? {}).map(([fact, one]) => conditionSaid(say, fact, one as Record<string, unknown>))) },
      { label: say("ruleThen"), cell: (row) => lines(Object.entries(row.effects ?? {}).map(([name, one]) => effectSaid(say, name, one))) },
    ],
    id: (row) => query({ name: row.name }),
    title: (row) => row.name.replaceAll("_", " "),
    fixed: () => false,
    initial: { ...valuesOf({ name: "", conditions: {}, effects: {} }, ""), "if.0.fact": "key", "if.0.is": "claim", "if.0.min": "", "if.0.max": "" },
    values: (row, all) => valuesOf(row, beforeOf(all, row)),
    check,
    keys: <In name="name" label={say("ruleName")} hint={say("ruleNameHint")} maxLength={40} />,
    fields: (_values, row, all) => (
      <>
        <Pick
          name="after"
          label={say("ruleAfter")}
          choices={[["", say("ruleFirst")], ...all.filter((one) => one.name !== row?.name).map((one, n) => [one.name, `${n + 1}. ${one.name.replaceAll("_", " ")}`] as const)]}
        />
        <Conditions />
        <Section title={say("ruleThen")} className="wide">
          <div className="grid">
            <In name="queue" label={named(say, "ce", "queue")} hint={say("asItCame")} maxLength={60} list={queues} />
            <Pick name="band" label={named(say, "ce", "band")} choices={choice("cb_band", ["1", "2", "3"])} />
            <In name="base" label={named(say, "ce", "base")} hint="0–100" inputMode="numeric" maxLength={3} />
            <Pick name="preferred" label={named(say, "ce", "preferred")} choices={choice("cp", RULE_PEOPLE)} />
            <In name="preferred_s" label={named(say, "ce", "preferred_s")} inputMode="numeric" maxLength={4} />
            <In name="skill" label={named(say, "ce", "skill")} maxLength={60} />
            <Pick name="skill_level" label={named(say, "ce", "skill_level")} choices={levels} />
            <In name="skill_s" label={named(say, "ce", "skill_s")} inputMode="numeric" maxLength={4} />
            <Pick name="then" label={named(say, "ce", "then")} choices={choice("ct", RULE_THEN)} />
            <In name="overflow" label={named(say, "ce", "overflow")} hint="SA 1; PR 1 + SH 2" maxLength={200} />
            <In name="overflow_s" label={named(say, "ce", "overflow_s")} inputMode="numeric" maxLength={4} />
            <Pick name="greeting" label={named(say, "ce", "greeting")} choices={choice("cg", RULE_GREETINGS)} />
            <In name="banner" label={named(say, "ce", "banner")} maxLength={60} />
            <In name="task_for" label={named(say, "ce", "task_for")} maxLength={60} list={[...RULE_PEOPLE, ...queues]} />
            <In name="permission" label={named(say, "ce", "permission")} maxLength={60} />
            <Pick name="fifo" label={named(say, "ce", "fifo")} choices={[["", say("no")], ["yes", say("yes")]]} />
          </div>
        </Section>
      </>
    ),
    body: (v) => ({ items: [ruleOf(v)] }),
    save: (v, row, all, etag) => put(placed(all, { ...ruleOf(v), name: row?.name ?? given(v, "name") }, given(v, "after")), etag),
    drop: (row, etag, all) => put(all.filter((one) => one.name !== row.name), etag),
    restore: (row, etag, all, was) => put(placed(all, row, beforeOf(was, row)), etag),
  };
}

/** What must hold, each on a line; all of them together. */
function Conditions() {
  const say = useW();
  const form = useFormState();
  const { values } = form;
  const shown = rowsOf(values, "if");
  const used = new Set(shown.map((n) => values[`if.${n}.fact`]));
  const add = () => {
    const n = freeRow(values, "if");
    const fact = FACTS.find((one) => !used.has(one)) ?? "key";
    form.setAll({ [`if.${n}.fact`]: fact, [`if.${n}.is`]: "", [`if.${n}.min`]: "", [`if.${n}.max`]: "" });
  };
  return (
    <Section
      title={say("ruleIf")}
      className="wide"
      count={shown.length}
      aside={shown.length < MOST && <Button size="small" kind="quiet" icon="plus" onClick={add}>{say("add")}<span className="sr"> {say("ruleIf")}</span></Button>}
    >
      {shown.length === 0 && <p className="t13 x2">{say("always")}</p>}
      {shown.map((n) => {
        const fact = values[`if.${n}.fact`] ?? "";
        const is = values[`if.${n}.is`] ?? "";
        const words = isYesNo(fact) ? ["yes", "no"] : wordsOf(fact);
        const offered = is && !words.includes(is) ? [...words, is] : words;
        return (
          <div key={n} className="grid line">
            <Pick name={`if.${n}.fact`} label={say("ruleFact")} choices={FACTS.map((one) => [one, named(say, "cf", one)] as const)} />
            {isNumber(fact) ? (
              <>
                <In name={`if.${n}.min`} label={say("atLeast")} inputMode="numeric" maxLength={10} />
                <In name={`if.${n}.max`} label={say("atMost")} inputMode="numeric" maxLength={10} />
              </>
            ) : (
              <Pick name={`if.${n}.is`} label={say("ruleIs")} choices={[["", "—"], ...offered.map((one) => [one, isYesNo(fact) ? say(one === "yes" ? "yes" : "no") : told(say, fact, one)] as const)]} />
            )}
            <IconButton icon="close" label={`${say("remove")} ${n + 1}`} onClick={() => form.set(`if.${n}.gone`, "yes")} />
          </div>
        );
      })}
    </Section>
  );
}
