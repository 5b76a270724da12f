/** /admin: users, roles, the audit log. */
import { api, session, signOut } from "@contactcenter/shared/api";
import type { AuditList, AuditRow, RoleList, UserList, UserRow } from "@contactcenter/shared/contract";
import { locale } from "@contactcenter/shared/prefs";
import { useStore } from "@contactcenter/shared/store";
import { Button, Chip, cls, Dialog, Field, type Tone } from "@contactcenter/shared/ui";
import { type FormEvent, useCallback, useEffect, useId, useState } from "react";

import { Bar, Told, useLoaded } from "./parts";
import { useFailure, useT } from "./texts";

const VIEWS = ["users", "roles", "audit"] as const;
type View = (typeof VIEWS)[number];

export function AdminPage() {
  const t = useT();
  const may = useStore(session)?.permissions ?? [];
  const [view, setView] = useState<View>("users");
  const shown = VIEWS.filter((one) => one !== "audit" || may.includes("audit.read"));
  useEffect(() => {
    document.title = `${t("admin")}: ${t(view)}`;
  }, [t, view]);
  return (
    <div className="page">
      <Bar title={t("admin")}>
        <a href="/account">{t("account")}</a>
        <Button icon="out" kind="quiet" onClick={() => void signOut()}>
          {t("out")}
        </Button>
      </Bar>
      <nav className="views" aria-label={t("admin")}>
        {shown.map((one) => (
          <button
            key={one}
            type="button"
            className={cls("view", one === view && "on")}
            aria-current={one === view ? "page" : undefined}
            onClick={() => setView(one)}
          >
            {t(one)}
          </button>
        ))}
      </nav>
      <main>
        {view === "users" && <Users />}
        {view === "roles" && <Roles />}
        {view === "audit" && <Audit />}
      </main>
    </div>
  );
}

const TONES: Record<UserRow["status"], Tone> = { active: "ok", invited: "acc", disabled: "warn", erased: "idle" };

function useStatus(): (status: UserRow["status"]) => string {
  const t = useT();
  return (status) => t(status === "invited" ? "invitedState" : status);
}

function Users() {
  const t = useT();
  const status = useStatus();
  const language = useStore(locale);
  const [q, setQ] = useState("");
  const [cursors, setCursors] = useState<(string | null)[]>([null]);
  const [edited, setEdited] = useState<UserRow | null>(null);
  const [inviting, setInviting] = useState(false);
  const cursor = cursors[cursors.length - 1] ?? null;
  const load = useCallback(
    (signal: AbortSignal) => {
      const query = new URLSearchParams({ limit: "50" });
      if (q.trim()) query.set("q", q.trim());
      if (cursor) query.set("cursor", cursor);
      return api.get<UserList>(`/users?${query}`, signal);
    },
    [q, cursor],
  );
  const { data, reload } = useLoaded(load);
  const when = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "short" });
  const done = () => {
    setEdited(null);
    setInviting(false);
    reload();
  };
  return (
    <>
      <div className="tools">
        <Field
          label={t("search")}
          type="search"
          value={q}
          onChange={(event) => {
            setQ(event.target.value);
            setCursors([null]);
          }}
        />
        <Button kind="primary" onClick={() => setInviting(true)}>
          {t("invite")}
        </Button>
      </div>
      <div className="scroll" tabIndex={0} role="region" aria-label={t("users")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("name")}</th>
              <th scope="col">{t("role")}</th>
              <th scope="col">{t("status")}</th>
              <th scope="col">{t("lastLogin")}</th>
              <th scope="col">
                <span className="sr">{t("edit")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {(data?.items ?? []).map((user) => (
              <tr key={user.id}>
                <td>
                  <b>{`${user.first_name} ${user.last_name}`.trim() || "—"}</b>
                  <div className="t13 x2">{user.email}</div>
                </td>
                <td>
                  {user.role}
                  <div className="t13 x2">{[...user.queues, ...user.teams].join(", ")}</div>
                </td>
                <td>
                  <Chip tone={TONES[user.status]}>{status(user.status)}</Chip>{" "}
                  {user.two_factor_enabled && <Chip tone="ok">{t("second2")}</Chip>}
                </td>
                <td>{user.last_login_at ? when.format(new Date(user.last_login_at)) : t("never")}</td>
                <td className="end-cell">
                  <Button
                    size="small"
                    aria-label={`${t("edit")}: ${user.email}`}
                    disabled={user.status === "erased"}
                    onClick={() => setEdited(user)}
                  >
                    {t("edit")}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {data?.items.length === 0 && <p className="hollow">{t("empty")}</p>}
      {data?.next_cursor && (
        <Button onClick={() => setCursors((all) => [...all, data.next_cursor])}>{t("more")}</Button>
      )}
      {inviting && <Invite onDone={done} onClose={() => setInviting(false)} />}
      {edited && <EditUser user={edited} onDone={done} onClose={() => setEdited(null)} />}
    </>
  );
}

const words = (text: string): string[] =>
  text
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);

function RoleChoice({ value, onChange }: { value: string; onChange: (role: string) => void }) {
  const t = useT();
  const id = useId();
  const { data } = useLoaded(useCallback((signal) => api.get<RoleList>("/roles", signal), []));
  const names = data?.items.map((role) => role.name) ?? [value];
  return (
    <div className="field">
      <label className="lab" htmlFor={id}>
        {t("role")}
      </label>
      <select id={id} className="input" value={value} onChange={(event) => onChange(event.target.value)}>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

function Invite({ onDone, onClose }: { onDone: () => void; onClose: () => void }) {
  const t = useT();
  const failed = useFailure();
  const [email, setEmail] = useState("");
  const [first, setFirst] = useState("");
  const [last, setLast] = useState("");
  const [role, setRole] = useState("agent");
  const [key] = useState(() => crypto.randomUUID());
  const [told, setTold] = useState<Told | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body = { email: email.trim(), first_name: first, last_name: last, role, locale: locale.get() };
    api.post("/users/invitations", body, { key: `${key}-${email.trim()}` }).then(onDone, (error: unknown) =>
      setTold({ text: failed(error), bad: true }),
    );
  };
  return (
    <Dialog title={t("inviteUser")} onClose={onClose} closeLabel={t("close")}>
      <form onSubmit={submit} noValidate>
        <Field label={t("email")} type="email" value={email} onChange={(event) => setEmail(event.target.value)} />
        <Field label={t("firstName")} value={first} onChange={(event) => setFirst(event.target.value)} />
        <Field label={t("lastName")} value={last} onChange={(event) => setLast(event.target.value)} />
        <RoleChoice value={role} onChange={setRole} />
        <Told.Line told={told} />
        <Button kind="primary" type="submit">
          {t("invite")}
        </Button>
      </form>
    </Dialog>
  );
}

function EditUser({ user, onDone, onClose }: { user: UserRow; onDone: () => void; onClose: () => void }) {
  const t = useT();
  const failed = useFailure();
  const [role, setRole] = useState(user.role);
  const [queues, setQueues] = useState(user.queues.join(", "));
  const [teams, setTeams] = useState(user.teams.join(", "));
  const [told, setTold] = useState<Told | null>(null);
  const fail = (error: unknown) => setTold({ text: failed(error), bad: true });
  const change = (body: object) => void api.patch(`/users/${user.id}`, body, `"${user.version}"`).then(onDone, fail);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change({ role, queues: words(queues), teams: words(teams) });
  };
  return (
    <Dialog title={user.email} onClose={onClose} closeLabel={t("close")}>
      <form onSubmit={submit} noValidate>
        <RoleChoice value={role} onChange={setRole} />
        <p className="t13 x2">{t("limits")}</p>
        <Field label={t("queues")} value={queues} onChange={(event) => setQueues(event.target.value)} />
        <Field label={t("teams")} value={teams} onChange={(event) => setTeams(event.target.value)} />
        <Told.Line told={told} />
        <div className="row wrap">
          <Button kind="primary" type="submit">
            {t("save")}
          </Button>
          {user.status === "active" && (
            <Button kind="danger" onClick={() => change({ status: "disabled" })}>
              {t("disable")}
            </Button>
          )}
          {user.status === "disabled" && <Button onClick={() => change({ status: "active" })}>{t("enable")}</Button>}
          {user.status === "invited" && (
            <Button onClick={() => void api.post(`/users/${user.id}/invitation`).then(onDone, fail)}>
              {t("resend")}
            </Button>
          )}
          <Button onClick={() => void api.delete(`/users/${user.id}/sessions`).then(onDone, fail)}>{t("signOut")}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function Roles() {
  const t = useT();
  const failed = useFailure();
  const { data, reload } = useLoaded(useCallback((signal) => api.get<RoleList>("/roles", signal), []));
  const may = useStore(session)?.permissions.includes("roles.manage") ?? false;
  const [name, setName] = useState("");
  const [told, setTold] = useState<Told | null>(null);
  const fail = (error: unknown) => setTold({ text: failed(error), bad: true });
  const done = () => {
    setTold({ text: t("saved") });
    reload();
  };
  const add = (event: FormEvent) => {
    event.preventDefault();
    api.post("/roles", { name: name.trim(), permissions: [] }).then(() => {
      setName("");
      done();
    }, fail);
  };
  const roles = data?.items ?? [];
  const toggle = (role: RoleList["items"][number], permission: string) => {
    const held = role.permissions.filter((one) => one !== "session.use" && one !== permission);
    const permissions = role.permissions.includes(permission) ? held : [...held, permission];
    void api.put(`/roles/${role.name}`, { permissions }).then(done, fail);
  };
  return (
    <>
      {may && (
        <form className="tools" onSubmit={add} noValidate>
          <Field label={t("newRole")} value={name} onChange={(event) => setName(event.target.value)} />
          <Button type="submit">{t("save")}</Button>
        </form>
      )}
      <Told.Line told={told} />
      <div className="scroll" tabIndex={0} role="region" aria-label={t("permissions")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("permissions")}</th>
              {roles.map((role) => (
                <th key={role.name} scope="col">
                  {role.name}
                  <div className="t12 x2">
                    {role.built_in ? t("builtIn") : `${t("people")}: ${role.users}`}
                  </div>
                  {may && !role.built_in && role.users === 0 && (
                    <Button size="small" onClick={() => void api.delete(`/roles/${role.name}`).then(done, fail)}>
                      {t("remove")}
                    </Button>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {(data?.grantable ?? []).map((permission) => (
              <tr key={permission}>
                <th scope="row">
                  <code>{permission}</code>
                </th>
                {roles.map((role) => (
                  <td key={role.name}>
                    <input
                      type="checkbox"
                      aria-label={`${role.name}: ${permission}`}
                      checked={role.permissions.includes(permission)}
                      disabled={!may || role.built_in || permission === "session.use"}
                      onChange={() => toggle(role, permission)}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Audit() {
  const t = useT();
  const language = useStore(locale);
  const [action, setAction] = useState("");
  const [resource, setResource] = useState("");
  const [cursor, setCursor] = useState<string | null>(null);
  const load = useCallback(
    (signal: AbortSignal) => {
      const query = new URLSearchParams({ limit: "50" });
      if (action.trim()) query.set("action", action.trim());
      if (resource.trim()) query.set("resource_id", resource.trim());
      if (cursor) query.set("cursor", cursor);
      return api.get<AuditList>(`/audit?${query}`, signal);
    },
    [action, resource, cursor],
  );
  const { data } = useLoaded(load);
  const when = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "medium" });
  const search = (set: (text: string) => void) => (text: string) => {
    set(text);
    setCursor(null);
  };
  return (
    <>
      <div className="tools">
        <Field label={t("action")} value={action} onChange={(event) => search(setAction)(event.target.value)} />
        <Field label={t("what")} value={resource} onChange={(event) => search(setResource)(event.target.value)} />
      </div>
      <div className="scroll" tabIndex={0} role="region" aria-label={t("audit")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("when")}</th>
              <th scope="col">{t("who")}</th>
              <th scope="col">{t("action")}</th>
              <th scope="col">{t("what")}</th>
              <th scope="col">{t("details")}</th>
            </tr>
          </thead>
          <tbody>
            {(data?.items ?? []).map((row) => (
              <tr key={row.id}>
                <td className="nowrap">{when.format(new Date(row.at))}</td>
                <td>
                  {row.user_name ?? row.actor}
                  <div className="t13 x2">{row.address}</div>
                </td>
                <td>
                  <code>{row.action}</code>
                </td>
                <td>
                  {row.resource_type}
                  <div className="t12 x2">{row.resource_id}</div>
                </td>
                <td>
                  <Details row={row} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {data?.items.length === 0 && <p className="hollow">{t("empty")}</p>}
      {data?.next_cursor && <Button onClick={() => setCursor(data.next_cursor)}>{t("more")}</Button>}
    </>
  );
}

function Details({ row }: { row: AuditRow }) {
  const t = useT();
  if (row.erased) return <Chip>{t("erasedData")}</Chip>;
  const lines = [
    [t("before"), row.before],
    [t("after"), row.after],
  ] as const;
  return (
    <>
      {lines.map(([name, value]) =>
        value && Object.keys(value).length > 0 ? (
          <div key={name} className="t13">
            <span className="x2">{name}:</span> <code>{JSON.stringify(value)}</code>
          </div>
        ) : null,
      )}
    </>
  );
}
