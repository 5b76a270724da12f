/** One user: the invitation, and what can be changed of an account. */
import { api, session } from "@contactcenter/shared/api";
import type { InviteIn, QueueCard, RoleOut, TeamList, TeamOut, UserIn, UserRow } from "@contactcenter/shared/contract";
import { Outcome } from "@contactcenter/shared/outcome";
import { looksLikeAddress } from "@contactcenter/shared/passwords";
import { locale, type Locale } from "@contactcenter/shared/prefs";
import { useSaid } from "@contactcenter/shared/problems";
import { useRoleName } from "@contactcenter/shared/roles";
import { useStore } from "@contactcenter/shared/store";
import { Button, Dialog, Field } from "@contactcenter/shared/ui";
import { type FormEvent, useId, useState } from "react";

import { Moment, useAsked } from "./asked";
import { useT } from "./texts";
import { Choice, fullName, useGivable } from "./users";

const LANGUAGES = [
  ["es", "Español"],
  ["en", "English"],
] as const;

/** Queues in use: key, name, the skill they ask for. None for whoever may not read them. */
export function useQueues(also: string[] = []): (readonly [string, string, string])[] {
  const language = useStore(locale);
  const may = useStore(session)?.permissions.includes("queues.read") ?? false;
  const known = useAsked<{ items: QueueCard[] }>(may ? "/queues" : null).value?.items ?? [];
  return known
    .filter((queue) => !queue.retired || also.includes(queue.key))
    .map((queue) => [queue.key, language === "es" ? queue.name_es : queue.name_en, queue.skill] as const);
}

function useTeams(): TeamOut[] {
  const may = useStore(session)?.permissions.includes("agents.read") ?? false;
  return useAsked<TeamList>(may ? "/teams" : null).value?.items ?? [];
}

/** Queues and teams that rights are limited to; a kind that one may not read is not there. */
function Scopes({ queues, teams, onQueues, onTeams }: { queues: string[]; teams: string[]; onQueues: (keys: string[]) => void; onTeams: (keys: string[]) => void }) {
  const t = useT();
  const knownQueues = useQueues(queues);
  const knownTeams = useTeams();
  return (
    <div className="scopes">
      <Ticks label={t("limitQueues")} options={knownQueues.map(([key, name]) => [key, name] as const)} chosen={queues} onChange={onQueues} />
      <Ticks label={t("limitTeams")} options={knownTeams.map((team) => [team.key, team.name] as const)} chosen={teams} onChange={onTeams} />
      <p className="x3 t13">{t("scopeHint")}</p>
    </div>
  );
}

/** Which queues' work comes to a desk, and the team it belongs to. */
function DeskOf({ serves, team, onServes, onTeam }: { serves: string[]; team: string | null; onServes: (keys: string[]) => void; onTeam: (key: string | null) => void }) {
  const t = useT();
  const queues = useQueues();
  const teams = useTeams();
  const mayEquip = useStore(session)?.permissions.includes("agents.manage") ?? false;
  return (
    <div className="scopes">
      {mayEquip && <Ticks label={t("serves")} options={queues.map(([key, name]) => [key, name] as const)} chosen={serves} onChange={onServes} />}
      {teams.length > 0 && (
        <div className="pair">
          <Choice label={t("team")} value={team ?? ""} options={[["", t("noTeam")], ...teams.map((one) => [one.key, one.name] as const)]} onChange={(key) => onTeam(key || null)} />
        </div>
      )}
    </div>
  );
}

export function Ticks({
  label,
  options,
  chosen,
  partly = [],
  onChange,
}: {
  label: string;
  options: (readonly [string, string])[];
  chosen: string[];
  /** What holds for some of those it is about. */
  partly?: string[];
  onChange: (keys: string[]) => void;
}) {
  const id = useId();
  if (options.length === 0) return null;
  return (
    <div role="group" aria-labelledby={id} className="ticks">
      <p id={id} className="t13 b">
        {label}
      </p>
      <div>
        {options.map(([key, words]) => (
          <label key={key}>
            <input
              type="checkbox"
              checked={chosen.includes(key)}
              ref={(box) => {
                if (box) box.indeterminate = partly.includes(key);
              }}
              onChange={(event) => onChange(event.target.checked ? [...chosen, key] : chosen.filter((one) => one !== key))}
            />
            {words}
          </label>
        ))}
      </div>
    </div>
  );
}

export function Invite({ roles, onDone, onClose }: { roles: RoleOut[]; onDone: (email: string) => void; onClose: () => void }) {
  const t = useT();
  const roleName = useRoleName();
  const said = useSaid();
  const givable = useGivable(roles);
  const form = useId();
  const [values, setValues] = useState<Required<InviteIn>>({
    email: "",
    first_name: "",
    last_name: "",
    role: "agent",
    locale: locale.get(),
    queues: [],
    teams: [],
    serves: [],
    team: null,
  });
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const choices = roles.filter((role) => role.name !== "customer" && givable(role.name)).map((role) => [role.name, roleName(role.name)] as const);
  const role = choices.some(([name]) => name === values.role) ? values.role : (choices[0]?.[0] ?? "");
  const held = roles.find((one) => one.name === role)?.permissions ?? [];
  const hasDesk = role !== "admin" && (held.includes("desk.use") || held.includes("tasks.use"));
  const set = (part: Partial<InviteIn>) => setValues({ ...values, ...part });
  const email = values.email.trim();
  const wrong = {
    email: tried && !looksLikeAddress(email) ? said.email : said.field(failure, "email"),
    first_name: tried && !values.first_name.trim() ? said.empty : said.field(failure, "first_name"),
    last_name: tried && !values.last_name.trim() ? said.empty : said.field(failure, "last_name"),
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (busy || !looksLikeAddress(email) || !values.first_name.trim() || !values.last_name.trim()) return;
    setBusy(true);
    setFailure(null);
    const desk = hasDesk ? {} : { serves: [], team: null };
    const body = { ...values, ...desk, role, email, first_name: values.first_name.trim(), last_name: values.last_name.trim() };
    try {
      await api.post("/users/invitations", body);
      onDone(email);
    } catch (error) {
      setFailure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      wide
      title={t("inviteTitle")}
      closeLabel={t("close")}
      onClose={onClose}
      footer={
        <>
          <Outcome failure={failure} />
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit" form={form} aria-disabled={busy || undefined}>
            {t("sendInvite")}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void submit(event)} noValidate aria-busy={busy}>
        <p className="x2 t13 gap">{t("inviteHint")}</p>
        <div className="pair">
          <Field label={t("firstName")} value={values.first_name} maxLength={80} onChange={(event) => set({ first_name: event.target.value })} error={wrong.first_name} />
          <Field label={t("lastName")} value={values.last_name} maxLength={80} onChange={(event) => set({ last_name: event.target.value })} error={wrong.last_name} />
          <Field label={t("email")} type="email" value={values.email} maxLength={254} onChange={(event) => set({ email: event.target.value })} error={wrong.email} />
          <Choice label={t("language")} value={values.locale} options={LANGUAGES} onChange={(value) => set({ locale: value as Locale })} />
          <Choice label={t("role")} value={role} options={choices} onChange={(value) => set({ role: value })} />
        </div>
        {hasDesk && <DeskOf serves={values.serves} team={values.team} onServes={(serves) => set({ serves })} onTeam={(team) => set({ team })} />}
        <Scopes queues={values.queues} teams={values.teams} onQueues={(queues) => set({ queues })} onTeams={(teams) => set({ teams })} />
      </form>
    </Dialog>
  );
}

type Sure = { words: string; done: string; act: () => Promise<unknown> };

export function EditUser({ user: given, roles, onChanged, onClose }: { user: UserRow; roles: RoleOut[]; onChanged: () => void; onClose: () => void }) {
  const t = useT();
  const roleName = useRoleName();
  const said = useSaid();
  const me = useStore(session);
  const givable = useGivable(roles);
  const form = useId();
  const [user, setUser] = useState(given);
  const [values, setValues] = useState(given);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [done, setDone] = useState<string | null>(null);
  const [sure, setSure] = useState<Sure | null>(null);
  const set = (part: Partial<UserRow>) => {
    setValues({ ...values, ...part });
    setDone(null);
  };
  const run = async (act: () => Promise<unknown>, words: string) => {
    if (busy) return;
    setBusy(true);
    setFailure(null);
    setDone(null);
    setSure(null);
    try {
      await act();
      const fresh = await api.get<UserRow>(`/users/${user.id}`);
      setUser(fresh);
      setValues(fresh);
      setDone(words);
      onChanged();
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  const change = (body: UserIn) => api.patch(`/users/${user.id}`, body, `"${user.version}"`);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(
      () =>
        change({
          first_name: values.first_name.trim(),
          last_name: values.last_name.trim(),
          phone: values.phone?.trim() || null,
          locale: values.locale as Locale,
          queues: values.queues,
          teams: values.teams,
          ...(values.role === user.role ? {} : { role: values.role }),
        }),
      t("saved"),
    );
  };
  const mayChange = givable(user.role);
  const own = me?.user.id === user.id;
  const choices = roles.filter((role) => role.name === user.role || givable(role.name)).map((role) => [role.name, roleName(role.name)] as const);
  return (
    <Dialog
      wide
      title={fullName(user)}
      closeLabel={t("close")}
      onClose={onClose}
      footer={
        mayChange && (
          <>
            <Outcome failure={failure} done={done} />
            <Button onClick={onClose}>{t("close")}</Button>
            <Button kind="primary" type="submit" form={form} aria-disabled={busy || undefined}>
              {t(busy ? "saving" : "save")}
            </Button>
          </>
        )
      }
    >
      <p className="x2 t13">
        {user.email} · {t(user.status)} · {t("lastLogin")}: {user.last_login_at ? <Moment at={user.last_login_at} /> : t("never")}
      </p>
      {!mayChange && <p className="box-msg warn">{t("beyondYou")}</p>}
      {mayChange && (
        <form id={form} onSubmit={submit} noValidate aria-busy={busy}>
          <div className="pair">
            <Field label={t("firstName")} value={values.first_name} maxLength={80} onChange={(event) => set({ first_name: event.target.value })} error={said.field(failure, "first_name")} />
            <Field label={t("lastName")} value={values.last_name} maxLength={80} onChange={(event) => set({ last_name: event.target.value })} error={said.field(failure, "last_name")} />
            <Field label={t("phone")} type="tel" value={values.phone ?? ""} maxLength={40} onChange={(event) => set({ phone: event.target.value })} error={said.field(failure, "phone")} />
            <Choice label={t("language")} value={values.locale} options={LANGUAGES} onChange={(value) => set({ locale: value })} />
            <Choice label={t("role")} value={values.role} options={choices} onChange={(role) => set({ role })} />
          </div>
          <Scopes queues={values.queues} teams={values.teams} onQueues={(queues) => set({ queues })} onTeams={(teams) => set({ teams })} />
        </form>
      )}
      {mayChange && (
        <div className="deeds">
          {sure ? (
            <div className="box-msg warn" role="alertdialog" aria-label={sure.words}>
              <span className="grow">{sure.words}</span>
              <Button size="small" kind="danger" autoFocus onClick={() => void run(sure.act, sure.done)}>
                {t("yes")}
              </Button>
              <Button size="small" onClick={() => setSure(null)}>
                {t("no")}
              </Button>
            </div>
          ) : (
            <>
              {user.status === "invited" && (
                <Button size="small" onClick={() => void run(() => api.post(`/users/${user.id}/invitation`), t("resent"))}>
                  {t("resend")}
                </Button>
              )}
              {user.status === "disabled" && (
                <Button size="small" onClick={() => void run(() => change({ status: "active" }), t("saved"))}>
                  {t("enable")}
                </Button>
              )}
              {user.status === "active" && !own && (
                <>
                  <Button size="small" onClick={() => setSure({ words: t("signOutSure"), done: t("signedOut"), act: () => api.delete(`/users/${user.id}/sessions`) })}>
                    {t("signOut")}
                  </Button>
                  {user.two_factor_enabled && (
                    <Button size="small" onClick={() => setSure({ words: t("resetFactorSure"), done: t("factorReset"), act: () => api.delete(`/users/${user.id}/2fa`) })}>
                      {t("resetFactor")}
                    </Button>
                  )}
                </>
              )}
              {(user.status === "active" || user.status === "invited") && !own && (
                <Button size="small" onClick={() => setSure({ words: t("disableSure"), done: t("saved"), act: () => change({ status: "disabled" }) })}>
                  {t("disable")}
                </Button>
              )}
            </>
          )}
        </div>
      )}
    </Dialog>
  );
}
