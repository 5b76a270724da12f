/** What roles are called: the built-in ones in the reader's language, the centre's own by their name. */
import { texts } from "./i18n";

const es = {
  admin: "Administración",
  supervisor: "Supervisión",
  agent: "Agente",
  adjuster: "Tramitación",
  customer: "Cliente",
};

const en: Record<keyof typeof es, string> = {
  admin: "Administrator",
  supervisor: "Supervisor",
  agent: "Agent",
  adjuster: "Claims handler",
  customer: "Customer",
};

const { useT } = texts(es, en);

export function useRoleName(): (name: string) => string {
  const t = useT();
  return (name) => (Object.hasOwn(es, name) ? t(name as keyof typeof es) : name);
}
