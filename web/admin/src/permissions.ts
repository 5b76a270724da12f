/** What each permission allows, in words; one that is not known yet shows by its own name. */
import type { Locale } from "@contactcenter/shared/prefs";

const WORDS: Record<string, readonly [es: string, en: string]> = {
  "session.use": ["Entrar y ver su cuenta", "Sign in and see one's account"],
  "desk.use": ["Trabajar en un puesto", "Work at a desk"],
  "interactions.read": ["Ver conversaciones", "See conversations"],
  "contacts.read": ["Ver contactos", "See contacts"],
  "contacts.write": ["Cambiar contactos", "Change contacts"],
  "agents.read": ["Ver agentes y equipos", "See agents and teams"],
  "agents.manage": ["Cambiar estado y destrezas de otros", "Change others' status and skills"],
  "queues.read": ["Ver colas", "See queues"],
  "queues.manage": ["Configurar colas y horarios", "Set up queues and hours"],
  "routing.assign": ["Asignar y mover", "Assign and move"],
  "wallboard.read": ["Ver el panel", "See the wallboard"],
  "calls.read": ["Ver llamadas", "See calls"],
  "recordings.play": ["Oír grabaciones", "Play recordings"],
  "recordings.health": ["Oír las de salud", "Play those of health matters"],
  "recordings.manage": ["Retener y borrar grabaciones", "Hold and delete recordings"],
  "demo.control": ["Manejar la demostración", "Run the demo"],
  "users.manage": ["Administrar usuarios y equipos", "Administer users and teams"],
  "roles.manage": ["Administrar roles", "Administer roles"],
  "audit.read": ["Leer la auditoría", "Read the audit log"],
  "privacy.manage": ["Exportar y borrar datos personales", "Export and erase personal data"],
  "customers.read": ["Ver su propio expediente", "See one's own file"],
  "customers.all": ["Ver todos los expedientes", "See all files"],
  "customers.write": ["Cambiar expedientes", "Change files"],
  "portfolios.all": ["Todas las carteras; fusionar", "All portfolios; merge"],
  "claims.decide": ["Decidir siniestros", "Decide claims"],
  "tasks.use": ["Usar tareas", "Use tasks"],
  "workflows.read": ["Ver flujos de trabajo", "See workflows"],
  "workflows.manage": ["Cambiar flujos de trabajo", "Change workflows"],
};

export function wordsOf(permission: string, locale: Locale): string {
  return WORDS[permission]?.[locale === "es" ? 0 : 1] ?? permission;
}
