/**
 * What went wrong, as a sentence in the reader's language: by the problem's
 * reason, by a field's kind of error, else by the status.
 */
import { ApiError } from "./api";
import { texts } from "./i18n";
import { passwordLacks } from "./passwords";

const { t, useT } = texts(
  {
    limited_one: "Demasiados intentos. Espera {{count}} segundo y prueba otra vez.",
    limited_other: "Demasiados intentos. Espera {{count}} segundos y prueba otra vez.",
    unreachable: "El servidor no contesta. Comprueba la conexión y prueba otra vez.",
    broken: "El servidor no pudo responder. Prueba otra vez en un momento.",
    forbidden: "No tienes permiso para esto.",
    gone: "Ya no existe, o no puedes verlo.",
    stale: "Ha cambiado desde que lo abriste. Míralo otra vez antes de guardar.",
    conflict: "Ya no encaja con lo que hay ahora. Vuelve a mirarlo.",
    invalid: "Falta corregir lo que está marcado.",
    signedOut: "Tu sesión ha terminado. Entra otra vez.",

    step_over: "Los cinco minutos para el código han pasado. Entra otra vez.",
    wrong_code: "El código no es correcto, o ya se usó. Espera al siguiente.",
    address_taken: "Ya hay una cuenta con esta dirección.",
    accepted: "La invitación ya se aceptó.",
    last_admin: "Es la última persona que administra: nombra antes a otra.",
    role_exists: "Ya hay un rol con este nombre.",
    role_held: "Hay personas con este rol: cámbialas antes.",
    built_in: "Los roles de serie no se cambian.",
    team_held: "Hay permisos limitados a este equipo: cámbialos antes.",
    administrator: "A quien administra no se le borra: cambia antes su rol.",
    oneself: "La propia cuenta no se borra desde aquí: pídeselo a otra persona.",
    beyond: "Eso exige permisos que tú no tienes.",
    invited: "Quien está invitado entra al aceptar su invitación.",
    only_way_in: "Es tu única manera de entrar: pon antes una contraseña.",
    second_step_on: "La verificación en dos pasos ya está activa.",
    not_set_up: "Empieza otra vez: esta clave ya no sirve.",

    bad_link: "Este enlace ya se usó, o ha caducado.",
    wrong_password: "La contraseña actual no es correcta.",
    no_password: "Tu cuenta no tiene contraseña todavía: pide un enlace para ponerla.",
    bad_phone: "No parece un teléfono.",
    unknown_role: "Este rol ya no existe.",
    unknown_team: "Un equipo de la lista ya no existe.",
    unknown_queue: "Una cola de la lista ya no existe.",
    unknown_agent: "Alguien de la lista ya no está.",
    boost_too_low: "El impulso por espera es menor que la diferencia entre las bases de su banda: alguien podría esperar siempre.",
    empty: "Falta esto.",
    tooLong: "Es demasiado largo.",
    email: "Escribe una dirección entera.",
    code: "Son seis cifras, o un código de recuperación.",
    name: "De 2 a 40 letras minúsculas sin acento, cifras y guiones bajos; empieza por letra.",
    field: "Esto no vale aquí.",
    weak: "Le falta lo que está sin marcar.",
  },
  {
    limited_one: "Too many tries. Wait {{count}} second and try again.",
    limited_other: "Too many tries. Wait {{count}} seconds and try again.",
    unreachable: "The server does not answer. Check the connection and try again.",
    broken: "The server could not answer. Try again in a moment.",
    forbidden: "You are not permitted to do this.",
    gone: "It is no longer there, or you may not see it.",
    stale: "It has changed since you opened it. Look again before you save.",
    conflict: "It does not fit what is there now. Look again.",
    invalid: "What is marked needs mending.",
    signedOut: "Your session is over. Sign in again.",

    step_over: "The five minutes for the code are over. Sign in again.",
    wrong_code: "The code is wrong or was used before. Wait for the next one.",
    address_taken: "There is an account with this address already.",
    accepted: "The invitation was accepted already.",
    last_admin: "This is the last administrator: name another one first.",
    role_exists: "There is a role of this name already.",
    role_held: "Somebody has this role: change them first.",
    built_in: "Built-in roles stay as they are.",
    team_held: "Somebody's rights are limited to this team: change them first.",
    administrator: "An administrator is not erased: change the role first.",
    oneself: "One's own account is not erased from here: ask somebody else.",
    beyond: "That takes permissions that you do not have yourself.",
    invited: "Whoever is invited comes in by accepting the invitation.",
    only_way_in: "This is your only way to sign in: set a password first.",
    second_step_on: "Two-step verification is on already.",
    not_set_up: "Begin again: this key is no longer good.",

    bad_link: "This link was used before, or its time is over.",
    wrong_password: "The present password is not right.",
    no_password: "Your account has no password yet: ask for a link to set one.",
    bad_phone: "This is no telephone number.",
    unknown_role: "This role is no longer there.",
    unknown_team: "A team of the list is no longer there.",
    unknown_queue: "A queue of the list is no longer there.",
    unknown_agent: "Somebody on the list is no longer there.",
    boost_too_low: "The boost for waiting is less than the bases in its band are apart: somebody might wait for ever.",
    empty: "This is missing.",
    tooLong: "This is too long.",
    email: "Type a whole address.",
    code: "Six digits, or a recovery code.",
    name: "2 to 40 lower-case letters, digits and underscores; a letter first.",
    field: "This does not do here.",
    weak: "It lacks what is not ticked.",
  },
);

type T = typeof t;

const REASONS = [
  "step_over", "wrong_code", "address_taken", "accepted", "last_admin", "role_exists", "role_held", "built_in",
  "team_held", "administrator", "oneself", "beyond", "invited", "only_way_in", "second_step_on", "not_set_up",
] as const;
const KINDS = [
  "bad_link", "wrong_code", "wrong_password", "no_password", "bad_phone", "unknown_role", "unknown_team",
  "unknown_queue", "unknown_agent", "boost_too_low",
] as const;
const PATTERNS = ["email", "code", "name"] as const;

const among = <K extends string>(known: readonly K[], word: unknown): K | undefined => known.find((one) => one === word);

/** The sentence for the whole form. */
function said(error: unknown, say: T): string {
  if (!(error instanceof ApiError)) return say("broken");
  const reason = among(REASONS, error.ctx.reason);
  if (reason) return say(reason);
  const link = error.errors.find((one) => one.type === "bad_link");
  if (link) return say("bad_link");
  switch (error.status) {
    case 0:
      return say("unreachable");
    case 400:
    case 422:
      return say("invalid");
    case 401:
      return say("signedOut");
    case 403:
      return say("forbidden");
    case 404:
      return say("gone");
    case 409:
      return say("conflict");
    case 412:
    case 428:
      return say("stale");
    case 429:
      return say("limited", { count: error.retryAfter ?? 60 });
    default:
      return say("broken");
  }
}

/** The sentence for one field of it; undefined where the field is not to blame. */
function saidOf(error: unknown, field: string, say: T): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  const found = error.errors.find((one) => one.loc.includes(field));
  if (!found) return undefined;
  const kind = among(KINDS, found.type);
  if (kind) return say(kind);
  if (found.type === "weak_password") return say("weak");
  if (found.type === "string_too_short" || found.type === "missing") return say("empty");
  if (found.type === "string_too_long") return say("tooLong");
  if (found.type === "string_pattern_mismatch") return say(among(PATTERNS, field) ?? "field");
  return say("field");
}

export interface Said {
  /** The sentence for a whole form. */
  whole: (error: unknown) => string;
  /** The sentence for a field, if it is to blame. */
  field: (error: unknown, field: string) => string | undefined;
  /** Whether a new password lacks something that its rules beside it tell. */
  password: (password: string) => string | undefined;
  empty: string;
  email: string;
  code: string;
  name: string;
}

/** Sentences in the present language; renders again when it changes. */
export function useSaid(): Said {
  const say = useT();
  return {
    whole: (error) => said(error, say),
    field: (error, field) => saidOf(error, field, say),
    password: (password) => (passwordLacks(password).length > 0 ? say("weak") : undefined),
    empty: say("empty"),
    email: say("email"),
    code: say("code"),
    name: say("name"),
  };
}
