/** Teams: who is in them, and which queues' work comes to them. */
import { api, session } from "@contactcenter/shared/api";
import type { AgentList, AgentProfile, TeamList, TeamMember, TeamOut } from "@contactcenter/shared/contract";
import { Outcome } from "@contactcenter/shared/outcome";
import { useSaid } from "@contactcenter/shared/problems";
import { useStore } from "@contactcenter/shared/store";
import { Button, Dialog, Field, IconButton } from "@contactcenter/shared/ui";
import { type FormEvent, useId, useState } from "react";

import { Box, useAsked } from "./asked";
import { type Key, useT } from "./texts";
import { Ticks, useQueues } from "./user";

/** Of a skill that a team's member is given: the middle of 1 to 5. */
const LEVEL = 3;

/** A key for addresses and filters, made of a name. */
export const keyOf = (name: string): string =>
  name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40);

export function Teams() {
  const t = useT();
  const permissions = useStore(session)?.permissions ?? [];
  const may = permissions.includes("users.manage");
  const teams = useAsked<TeamList>("/teams");
  const known = useAsked<AgentList>("/agents");
  const agents = known.value?.items ?? [];
  const queues = useQueues();
  const [open, setOpen] = useState<TeamOut | "new" | null>(null);
  const [dropping, setDropping] = useState<TeamOut | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [done, setDone] = useState<string | null>(null);
  const items = teams.value?.items ?? null;
  const membersOf = (team: TeamOut) => agents.filter((agent) => team.agents.includes(agent.agent_id));
  const drop = async (team: TeamOut) => {
    setDropping(null);
    setFailure(null);
    setDone(null);
    try {
      await api.delete(`/teams/${team.key}`);
      setDone(t("teamDropped", { name: team.name }));
      teams.again();
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <>
      <div className="tools">
        <Outcome failure={failure} done={done} />
        {may && (
          <Button kind="primary" icon="plus" onClick={() => setOpen("new")}>
            {t("newTeam")}
          </Button>
        )}
      </div>
      <Box items={items} failure={teams.failure} again={teams.again} empty={t("noTeams")}>
        <table className="list">
          <thead>
            <tr>
              {(["team", "members", "queues"] satisfies Key[]).map((name) => (
                <th key={name} scope="col">
                  {t(name)}
                </th>
              ))}
              <th scope="col">
                <span className="sr">{t("drop")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items?.map((team) => {
              const members = membersOf(team);
              const served = queues.filter(([key]) => members.some((one) => one.queues.includes(key)));
              return (
                <tr key={team.key}>
                  <th scope="row">
                    {may ? (
                      <button type="button" className="link b" aria-label={t("edit", { name: team.name })} onClick={() => setOpen(team)}>
                        {team.name}
                      </button>
                    ) : (
                      <span className="b">{team.name}</span>
                    )}
                    <code className="t12 x3 line">{team.key}</code>
                  </th>
                  <td>{members.length === 0 ? <span className="x3">{t("nobodyYet")}</span> : members.map((one) => one.name).join(", ")}</td>
                  <td className="t13">{served.length === 0 ? <span className="x3">{t("noQueues")}</span> : served.map(([, name]) => name).join(", ")}</td>
                  <td className="end-deed">{may && <IconButton icon="close" label={t("dropTeam", { name: team.name })} onClick={() => setDropping(team)} />}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Box>
      {open && (
        <EditTeam
          team={open === "new" ? null : open}
          teams={items ?? []}
          agents={agents}
          queues={queues}
          onClose={() => setOpen(null)}
          onDone={() => {
            setOpen(null);
            setDone(t("saved"));
            teams.again();
            known.again();
          }}
        />
      )}
      {dropping && (
        <Dialog
          title={t("dropTeamSure", { name: dropping.name })}
          closeLabel={t("close")}
          onClose={() => setDropping(null)}
          footer={
            <>
              <Button onClick={() => setDropping(null)}>{t("cancel")}</Button>
              <Button kind="danger" onClick={() => void drop(dropping)}>
                {t("drop")}
              </Button>
            </>
          }
        >
          <p className="x2">{t("dropTeamHint")}</p>
        </Dialog>
      )}
    </>
  );
}

/** Give every member these queues' skills, and take those of the others away that were ticked. */
async function serve(members: string[], skills: Record<string, string>, wanted: Record<string, boolean>): Promise<void> {
  for (const id of members) {
    const agent = await api.get<AgentProfile>(`/agents/${id}`);
    const held = { ...agent.skills };
    for (const [queue, on] of Object.entries(wanted)) {
      const skill = skills[queue];
      if (!skill) continue;
      if (on) held[skill] ??= LEVEL;
      else delete held[skill];
    }
    const same = Object.keys(held).length === Object.keys(agent.skills).length && Object.keys(held).every((skill) => skill in agent.skills);
    if (!same) await api.patch(`/agents/${id}/skills`, { skills: held }, `"${agent.version}"`);
  }
}

function EditTeam({
  team,
  teams,
  agents,
  queues,
  onDone,
  onClose,
}: {
  team: TeamOut | null;
  teams: TeamOut[];
  agents: TeamMember[];
  queues: readonly (readonly [string, string, string])[];
  onDone: () => void;
  onClose: () => void;
}) {
  const t = useT();
  const said = useSaid();
  const form = useId();
  const mayEquip = useStore(session)?.permissions.includes("agents.manage") ?? false;
  const [name, setName] = useState(team?.name ?? "");
  const [members, setMembers] = useState(team?.agents ?? []);
  const [wanted, setWanted] = useState<Record<string, boolean>>({});
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const key = team?.key ?? keyOf(name);
  const taken = !team && teams.some((one) => one.key === key);
  const wrong = key === "" ? said.empty : taken ? t("teamTaken") : undefined;
  const chosen = agents.filter((one) => members.includes(one.agent_id));
  const servedBy = (queue: string) => chosen.filter((one) => one.queues.includes(queue)).length;
  const elsewhere = (agent: TeamMember) => teams.find((one) => one.key !== team?.key && one.agents.includes(agent.agent_id));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (busy || wrong) return;
    setBusy(true);
    setFailure(null);
    try {
      await api.put(`/teams/${key}`, { name: name.trim(), agents: members });
      await serve(members, Object.fromEntries(queues.map(([queue, , skill]) => [queue, skill])), wanted);
      onDone();
    } catch (error) {
      setFailure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      wide
      title={team ? team.name : t("newTeamTitle")}
      closeLabel={t("close")}
      onClose={onClose}
      footer={
        <>
          <Outcome failure={failure} />
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit" form={form} aria-disabled={busy || undefined}>
            {t(busy ? "saving" : team ? "save" : "make")}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void submit(event)} noValidate aria-busy={busy}>
        <Field label={t("teamName")} value={name} maxLength={80} onChange={(event) => setName(event.target.value)} error={tried ? (wrong ?? said.field(failure, "name")) : undefined} />
        <div className="scopes">
          <Ticks
            label={t("members")}
            options={agents.map((one) => {
              const other = elsewhere(one);
              return [one.agent_id, other ? t("memberOf", { name: one.name, team: other.name }) : one.name] as const;
            })}
            chosen={members}
            onChange={setMembers}
          />
          <p className="x3 t13">{t("oneTeam")}</p>
          {mayEquip && chosen.length > 0 && (
            <>
              <Ticks
                label={t("serves")}
                options={queues.map(([queue, words]) => [queue, words] as const)}
                chosen={queues.filter(([queue]) => wanted[queue] ?? servedBy(queue) === chosen.length).map(([queue]) => queue)}
                partly={queues.filter(([queue]) => wanted[queue] === undefined && servedBy(queue) > 0 && servedBy(queue) < chosen.length).map(([queue]) => queue)}
                onChange={(keys) => setWanted({ ...wanted, ...changed(keys, queues, (queue) => wanted[queue] ?? servedBy(queue) === chosen.length) })}
              />
              <p className="x3 t13">{t("servesHint")}</p>
            </>
          )}
        </div>
      </form>
    </Dialog>
  );
}

/** The queues whose tick is another one now. */
function changed(keys: string[], queues: readonly (readonly [string, string, string])[], before: (queue: string) => boolean): Record<string, boolean> {
  return Object.fromEntries(queues.map(([queue]) => [queue, keys.includes(queue)] as const).filter(([queue, now]) => now !== before(queue)));
}
