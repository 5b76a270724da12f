/** Users: found, invited, changed. */
import { session } from "@contactcenter/shared/api";
import type { RoleList, RoleOut, UserRow } from "@contactcenter/shared/contract";
import { Outcome } from "@contactcenter/shared/outcome";
import { useRoleName } from "@contactcenter/shared/roles";
import { useStore } from "@contactcenter/shared/store";
import { Button, Chip, Field, type Tone } from "@contactcenter/shared/ui";
import type { IconName } from "@contactcenter/shared/icons";
import { useId, useState } from "react";

import { Box, Moment, useAsked, usePages, useSettled } from "./asked";
import { type Key, useT } from "./texts";
import { EditUser, Invite } from "./user";

export const STATUSES = ["active", "invited", "disabled", "erased"] as const;
const LOOKS: Record<UserRow["status"], { tone: Tone; icon: IconName }> = {
  active: { tone: "ok", icon: "check" },
  invited: { tone: "acc", icon: "email" },
  disabled: { tone: "warn", icon: "pause" },
  erased: { tone: "idle", icon: "close" },
};

export const fullName = (user: UserRow): string => `${user.first_name} ${user.last_name}`.trim() || user.email;

/** The roles that one may give: those within one's own permissions. */
export function useGivable(roles: RoleOut[]): (role: string) => boolean {
  const mine = new Set(useStore(session)?.permissions);
  return (name) => roles.find((role) => role.name === name)?.permissions.every((one) => mine.has(one)) ?? false;
}

export function Users() {
  const t = useT();
  const roleName = useRoleName();
  const [typed, setTyped] = useState("");
  const [role, setRole] = useState("");
  const [status, setStatus] = useState("");
  const [open, setOpen] = useState<UserRow | "new" | null>(null);
  const [told, setTold] = useState<string | null>(null);
  const q = useSettled(typed.trim());
  const { items, next, failure, more, again } = usePages<UserRow>("/users", { q, role, status });
  const roles = useAsked<RoleList>("/roles").value?.items ?? [];
  return (
    <>
      <div className="tools">
        <Field label={t("search")} type="search" value={typed} maxLength={100} onChange={(event) => setTyped(event.target.value)} />
        <Choice label={t("role")} value={role} onChange={setRole} options={[["", t("anyRole")], ...roles.map((one) => [one.name, roleName(one.name)] as const)]} />
        <Choice label={t("status")} value={status} onChange={setStatus} options={[["", t("anyStatus")], ...STATUSES.map((one) => [one, t(one)] as const)]} />
        <Button kind="primary" icon="addPerson" onClick={() => setOpen("new")}>
          {t("invite")}
        </Button>
      </div>
      <Outcome failure={null} done={told} />
      <Box items={items} failure={failure} again={again} empty={t("nobody")}>
        <table className="list">
          <thead>
            <tr>
              {(["person", "role", "scope", "status", "lastLogin"] satisfies Key[]).map((name) => (
                <th key={name} scope="col">
                  {t(name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items?.map((user) => (
              <tr key={user.id}>
                <th scope="row">
                  {user.status === "erased" ? (
                    <span className="x3">{t("erased")}</span>
                  ) : (
                    <button type="button" className="link b" aria-label={t("edit", { name: fullName(user) })} onClick={() => setOpen(user)}>
                      {fullName(user)}
                    </button>
                  )}
                  <span className="x2 t13 line">{user.email}</span>
                </th>
                <td>{roleName(user.role)}</td>
                <td className="t13">
                  {user.queues.length + user.teams.length === 0 ? (
                    <span className="x3">{t("everything")}</span>
                  ) : (
                    [...user.queues, ...user.teams].join(", ")
                  )}
                </td>
                <td>
                  <span className="row">
                    <Chip {...LOOKS[user.status]}>{t(user.status)}</Chip>
                    {user.two_factor_enabled && <Chip icon="shield">{t("twoSteps")}</Chip>}
                  </span>
                </td>
                <td className="x2 t13">{user.last_login_at ? <Moment at={user.last_login_at} /> : t("never")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Box>
      {next && <Button onClick={() => void more()}>{t("more")}</Button>}
      {open === "new" && (
        <Invite
          roles={roles}
          onClose={() => setOpen(null)}
          onDone={(email) => {
            setOpen(null);
            setTold(t("inviteSent", { email }));
            again();
          }}
        />
      )}
      {open && open !== "new" && (
        <EditUser
          user={open}
          roles={roles}
          onChanged={again}
          onClose={() => {
            setOpen(null);
            setTold(null);
          }}
        />
      )}
    </>
  );
}

export function Choice({ label, value, options, onChange, disabled }: { label: string; value: string; options: readonly (readonly [string, string])[]; onChange: (value: string) => void; disabled?: boolean }) {
  const id = useId();
  return (
    <div className="field">
      <label className="lab" htmlFor={id}>
        {label}
      </label>
      <select id={id} className="input" value={value} disabled={disabled} onChange={(event) => onChange(event.target.value)}>
        {options.map(([key, words]) => (
          <option key={key} value={key}>
            {words}
          </option>
        ))}
      </select>
      <div className="error-line" />
    </div>
  );
}
