/** Roles: a matrix of permissions; custom roles can be made, changed and dropped. */
import { api, session } from "@contactcenter/shared/api";
import type { RoleList, RoleOut } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { Outcome } from "@contactcenter/shared/outcome";
import { locale } from "@contactcenter/shared/prefs";
import { useSaid } from "@contactcenter/shared/problems";
import { useRoleName } from "@contactcenter/shared/roles";
import { useStore } from "@contactcenter/shared/store";
import { Button, Dialog, Field } from "@contactcenter/shared/ui";
import { type FormEvent, useId, useState } from "react";

import { Box, useAsked } from "./asked";
import { wordsOf } from "./permissions";
import { useT } from "./texts";
import { Choice, useGivable } from "./users";

/** Whoever is signed in has it, whatever the role. */
const ALWAYS = "session.use";

interface Draft {
  permissions: string[];
  /** Of the role as it was when the draft began. */
  version: number;
}

export function Roles() {
  const t = useT();
  const roleName = useRoleName();
  const language = useStore(locale);
  const may = useStore(session)?.permissions.includes("roles.manage") ?? false;
  const mine = new Set(useStore(session)?.permissions);
  const { value, failure, again } = useAsked<RoleList>("/roles");
  const roles = value?.items ?? [];
  const givable = useGivable(roles);
  const [drafts, setDrafts] = useState<Record<string, Draft>>({});
  const [making, setMaking] = useState(false);
  const [dropping, setDropping] = useState<RoleOut | null>(null);
  const [wrong, setWrong] = useState<unknown>(null);
  const [done, setDone] = useState(false);
  const drop = (name: string) =>
    setDrafts((all) => Object.fromEntries(Object.entries(all).filter(([role]) => role !== name)));
  const act = async (work: () => Promise<unknown>, name: string) => {
    setWrong(null);
    setDone(false);
    try {
      await work();
      setDone(true);
      again();
      drop(name);
    } catch (error) {
      setWrong(error);
      again(); // a draft stays until it is thrown away, with the version that it began from
    }
  };
  const heldBy = (role: RoleOut) => drafts[role.name]?.permissions ?? role.permissions;
  const began = (role: RoleOut) => drafts[role.name]?.version ?? role.version;
  const editable = (role: RoleOut) => may && !role.built_in && givable(role.name);
  return (
    <>
      <div className="tools">
        <Outcome failure={wrong} done={done && t("saved")} />
        {may && (
          <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>
            {t("newRole")}
          </Button>
        )}
      </div>
      <Box items={value && roles} failure={failure} again={again} empty="">
        <div className="matrix" role="region" aria-label={t("matrix")} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("permission")}</th>
                {roles.map((role) => (
                  <th key={role.name} scope="col">
                    <span className="b">{roleName(role.name)}</span>
                    <span className="t12 x2 line">{t("people", { count: role.users })}</span>
                    <span className="t12 x3 line">{role.built_in ? t("builtIn") : "\u00a0"}</span>
                    {editable(role) && (
                      <span className="role-deeds">
                        {drafts[role.name] ? (
                          <>
                            <Button
                              size="small"
                              kind="primary"
                              onClick={() => void act(() => api.put(`/roles/${role.name}`, { permissions: heldBy(role) }, `"${began(role)}"`), role.name)}
                            >
                              {t("save")}
                            </Button>
                            <Button size="small" onClick={() => drop(role.name)}>
                              {t("discard")}
                            </Button>
                          </>
                        ) : (
                          role.users === 0 && (
                            <Button size="small" onClick={() => setDropping(role)}>
                              {t("drop")}
                            </Button>
                          )
                        )}
                      </span>
                    )}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {value?.grantable.map((permission) => (
                <tr key={permission}>
                  <th scope="row">
                    {wordsOf(permission, language)}
                    <code className="t12 x3 line">{permission}</code>
                  </th>
                  {roles.map((role) => {
                    const has = heldBy(role).includes(permission);
                    return (
                      <td key={role.name}>
                        {editable(role) && mine.has(permission) && permission !== ALWAYS ? (
                          <input
                            type="checkbox"
                            checked={has}
                            aria-label={t("allows", { role: roleName(role.name), permission: wordsOf(permission, language) })}
                            onChange={() =>
                              setDrafts({
                                ...drafts,
                                [role.name]: {
                                  permissions: has ? heldBy(role).filter((one) => one !== permission) : [...heldBy(role), permission],
                                  version: began(role),
                                },
                              })
                            }
                          />
                        ) : (
                          <>
                            <Icon name={has ? "check" : "dash"} className={has ? "c-ok" : "x3"} />
                            <span className="sr">{t(has ? "has" : "hasNot")}</span>
                          </>
                        )}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Box>
      {making && (
        <NewRole
          roles={roles.filter((role) => givable(role.name))}
          onClose={() => setMaking(false)}
          onDone={() => {
            setMaking(false);
            setDone(true);
            again();
          }}
        />
      )}
      {dropping && (
        <Dialog
          title={t("dropSure", { name: dropping.name })}
          closeLabel={t("close")}
          onClose={() => setDropping(null)}
          footer={
            <>
              <Button onClick={() => setDropping(null)}>{t("cancel")}</Button>
              <Button
                kind="danger"
                onClick={() => {
                  void act(() => api.delete(`/roles/${dropping.name}`), dropping.name);
                  setDropping(null);
                }}
              >
                {t("drop")}
              </Button>
            </>
          }
        >
          <span />
        </Dialog>
      )}
    </>
  );
}

function NewRole({ roles, onDone, onClose }: { roles: RoleOut[]; onDone: () => void; onClose: () => void }) {
  const t = useT();
  const roleName = useRoleName();
  const said = useSaid();
  const form = useId();
  const [name, setName] = useState("");
  const [from, setFrom] = useState("");
  const [tried, setTried] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const right = /^[a-z][a-z0-9_]{1,39}$/.test(name);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!right) return;
    setFailure(null);
    try {
      await api.post("/roles", { name, permissions: roles.find((role) => role.name === from)?.permissions ?? [] });
      onDone();
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <Dialog
      title={t("newRoleTitle")}
      closeLabel={t("close")}
      onClose={onClose}
      footer={
        <>
          <Outcome failure={failure} />
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit" form={form}>
            {t("make")}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void submit(event)} noValidate>
        <Field
          label={t("roleName")}
          value={name}
          maxLength={40}
          spellCheck={false}
          autoCapitalize="none"
          onChange={(event) => setName(event.target.value)}
          error={tried && !right ? said.name : said.field(failure, "name")}
        />
        <Choice label={t("roleFrom")} value={from} onChange={setFrom} options={[["", t("nothing")], ...roles.map((role) => [role.name, roleName(role.name)] as const)]} />
      </form>
    </Dialog>
  );
}
