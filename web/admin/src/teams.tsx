/** Teams: who is in them, and which queues' work comes to them. */
import { api, session } from "@contactcenter/shared/api";
import type { AgentList, AgentProfile, TeamList, TeamMember, TeamOut } from "@contactcenter/shared/contract";
import { useSaid } from "@contactcenter/shared/problems";
import { useStore } from "@contactcenter/shared/store";
import { Field } from "@contactcenter/shared/ui";
import { useState } from "react";

import { useAsked } from "./asked";
import { EditForm, type EditorProps, Listed } from "./frame";
import { useT } from "./texts";
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
  const may = useStore(session)?.permissions.includes("users.manage") ?? false;
  const teams = useAsked<TeamList>("/teams");
  const known = useAsked<AgentList>("/agents");
  const agents = known.value?.items ?? [];
  const queues = useQueues();
  const items = teams.value?.items ?? null;
  return (
    <Listed
      asked={teams}
      items={items}
      keyOf={(team) => team.key}
      empty={t("noTeams")}
      heads={[t("team"), t("members"), t("queues")]}
      may={may}
      make={t("newTeam")}
      row={(team, opened) => {
        const members = agents.filter((agent) => team.agents.includes(agent.agent_id));
        const served = queues.filter(([key]) => members.some((one) => one.queues.includes(key)));
        return (
          <>
            <th scope="row">
              {opened(<span className="b">{team.name}</span>, t("edit", { name: team.name }))}
              <code className="t12 x3 line">{team.key}</code>
            </th>
            <td>{members.length === 0 ? <span className="x3">{t("nobodyYet")}</span> : members.map((one) => one.name).join(", ")}</td>
            <td className="t13">{served.length === 0 ? <span className="x3">{t("noQueues")}</span> : served.map(([, name]) => name).join(", ")}</td>
          </>
        );
      }}
      edit={({ onDone, ...props }) => (
        <EditTeam
          {...props}
          teams={items ?? []}
          agents={agents}
          queues={queues}
          onDone={() => {
            onDone();
            known.again();
          }}
        />
      )}
      drop={{
        label: (team) => t("dropTeam", { name: team.name }),
        sure: (team) => t("dropTeamSure", { name: team.name }),
        hint: () => <p className="x2">{t("dropTeamHint")}</p>,
        done: (team) => t("teamDropped", { name: team.name }),
        send: (team) => api.delete(`/teams/${team.key}`),
      }}
    />
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

interface EditTeamProps extends EditorProps<TeamOut> {
  teams: TeamOut[];
  agents: TeamMember[];
  queues: readonly (readonly [string, string, string])[];
}

function EditTeam({ one: team, teams, agents, queues, ...doors }: EditTeamProps) {
  const t = useT();
  const said = useSaid();
  const mayEquip = useStore(session)?.permissions.includes("agents.manage") ?? false;
  const [name, setName] = useState(team?.name ?? "");
  const [members, setMembers] = useState(team?.agents ?? []);
  const [version, setVersion] = useState(team?.version);
  const [wanted, setWanted] = useState<Record<string, boolean>>({});
  const key = team?.key ?? keyOf(name);
  const taken = !team && teams.some((one) => one.key === key);
  const wrong = key === "" ? said.empty : taken ? t("teamTaken") : undefined;
  const chosen = agents.filter((one) => members.includes(one.agent_id));
  const servedBy = (queue: string) => chosen.filter((one) => one.queues.includes(queue)).length;
  const elsewhere = (agent: TeamMember) => teams.find((one) => one.key !== team?.key && one.agents.includes(agent.agent_id));
  const send = async () => {
    const saved = await api.put<TeamOut>(`/teams/${key}`, { name: name.trim(), agents: members }, version === undefined ? undefined : `"${version}"`);
    setVersion(saved.version); // to send it again if the skills fail
    await serve(members, Object.fromEntries(queues.map(([queue, , skill]) => [queue, skill])), wanted);
  };
  return (
    <EditForm title={team ? team.name : t("newTeamTitle")} make={team ? undefined : t("make")} ready={wrong === undefined} send={send} {...doors}>
      {({ tried, failure }) => (
        <>
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
        </>
      )}
    </EditForm>
  );
}

/** The queues whose tick is another one now. */
function changed(keys: string[], queues: readonly (readonly [string, string, string])[], before: (queue: string) => boolean): Record<string, boolean> {
  return Object.fromEntries(queues.map(([queue]) => [queue, keys.includes(queue)] as const).filter(([queue, now]) => now !== before(queue)));
}
