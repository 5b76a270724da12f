/** Texts of the account's and the administration's pages. */
import { ApiError } from "@contactcenter/shared/api";
import { texts } from "@contactcenter/shared/i18n";

export const { t, useT } = texts(
  {
    account: "Tu cuenta", admin: "Administración", users: "Usuarios", roles: "Roles", audit: "Registro de auditoría",
    out: "Salir", save: "Guardar", saved: "Guardado.", cancel: "Cancelar", close: "Cerrar", loading: "Cargando",
    email: "Correo", firstName: "Nombre", lastName: "Apellidos", phone: "Teléfono", role: "Rol", status: "Estado",
    verifyTitle: "Confirma tu correo", verifySub: "Así sabemos que esta dirección es tuya.", verifyGo: "Confirmar",
    verified: "Tu correo está confirmado.", toAccount: "Ir a tu cuenta", toSignIn: "Entrar con contraseña",
    forgotTitle: "Nueva contraseña", forgotSub: "Te enviamos un enlace que sirve una vez, durante una hora.",
    forgotGo: "Enviar el enlace", forgotDone: "Si esa dirección tiene una cuenta, hay una carta en camino.",
    resetTitle: "Pon una contraseña nueva", inviteTitle: "Elige tu contraseña", newPassword: "Contraseña nueva",
    passwordRule: "Al menos 8 caracteres, con minúscula, mayúscula, cifra y símbolo.",
    passwordDone: "Tu contraseña está puesta. Ya puedes entrar.", currentPassword: "Contraseña actual",
    changePassword: "Cambiar la contraseña", passwordChanged: "Contraseña cambiada. Las otras sesiones se han cerrado.",
    notSignedIn: "No has entrado", why_denied: "Se canceló en la otra página.",
    why_known_address: "Esa dirección ya tiene una cuenta aquí y el proveedor no la ha confirmado. Entra con tu contraseña y enlázalo en tu cuenta.",
    why_taken: "Esa identidad ya está enlazada a otra cuenta.", why_disabled: "Esta cuenta está desactivada.",
    why_no_address: "El proveedor no ha dado ninguna dirección de correo.", why_failed: "El proveedor no ha podido confirmar quién eres. Prueba otra vez.",
    why_unavailable: "El proveedor no contesta. Prueba otra vez en un momento.",
    unreachable: "El servidor no contesta. Comprueba la conexión.", broken: "El servidor no pudo responder. Prueba otra vez.",
    forbidden: "No tienes permiso para esto.", conflict: "Esto no encaja con el estado actual: {{detail}}",
    limited: "Demasiados intentos. Espera un momento.", badLink: "Este enlace ya se ha usado o ha caducado. Pide uno nuevo.",
    weak_password: "Al menos 8 caracteres, con minúscula, mayúscula, cifra y símbolo.", wrong_password: "La contraseña no es correcta.",
    wrong_code: "El código no es correcto o ya se ha usado.", bad_phone: "No es un número de teléfono.", invalid: "Revisa lo que has escrito.",
    profile: "Datos", second: "Verificación en dos pasos", secondOff: "Desactivada. Con ella, la contraseña sola no basta para entrar.",
    secondOn: "Activada.", setUp: "Activar", switchOff: "Desactivar", scan: "Escanea este código con tu aplicación y escribe los seis dígitos que muestre.",
    secret: "O escribe esta clave", code: "Código", confirm: "Confirmar", qr: "Código QR para la aplicación",
    recovery: "Códigos de recuperación", recoveryHint: "Cada uno sirve una vez si pierdes la aplicación. No se vuelven a mostrar: guárdalos.",
    sessions: "Sesiones", current: "Esta sesión", endSession: "Cerrar", endOthers: "Cerrar las demás", lastUsed: "Última actividad",
    address: "Dirección", browser: "Navegador", linked: "Cuentas enlazadas", link: "Enlazar {{name}}", unlink: "Desenlazar", none: "Ninguna.",
    unverified: "Tu correo no está confirmado: hasta entonces solo puedes ver esta página.", resend: "Enviar la carta otra vez", resent: "Carta enviada.",
    invite: "Invitar", inviteUser: "Invitar a alguien", invited: "Invitación enviada.", search: "Buscar", all: "Todos",
    active: "Activo", invitedState: "Invitado", disabled: "Desactivado", erased: "Borrado", disable: "Desactivar", enable: "Activar",
    edit: "Cambiar", queues: "Colas", teams: "Equipos", limits: "Límites, separados por comas; vacío: sin límite", more: "Más",
    lastLogin: "Última entrada", never: "nunca", second2: "2 pasos", builtIn: "fijo", people: "Personas", permissions: "Permisos",
    newRole: "Nuevo rol", name: "Nombre", remove: "Quitar", action: "Acción", who: "Quién", what: "Sobre qué", when: "Cuándo", details: "Detalles", before: "Antes", after: "Después",
    empty: "No hay nada.", signOut: "Cerrar sus sesiones", erasedData: "Datos borrados",
  },
  {
    account: "Your account", admin: "Administration", users: "Users", roles: "Roles", audit: "Audit log",
    out: "Sign out", save: "Save", saved: "Saved.", cancel: "Cancel", close: "Close", loading: "Loading",
    email: "Email", firstName: "First name", lastName: "Last name", phone: "Telephone", role: "Role", status: "Status",
    verifyTitle: "Confirm your email", verifySub: "So we know that this address is yours.", verifyGo: "Confirm",
    verified: "Your email is confirmed.", toAccount: "To your account", toSignIn: "Sign in with a password",
    forgotTitle: "New password", forgotSub: "We send you a link that works once, within an hour.",
    forgotGo: "Send the link", forgotDone: "If that address has an account, a letter is on its way.",
    resetTitle: "Set a new password", inviteTitle: "Choose your password", newPassword: "New password",
    passwordRule: "At least 8 characters with a lower and an upper case letter, a digit and a symbol.",
    passwordDone: "Your password is set. You can sign in.", currentPassword: "Present password",
    changePassword: "Change the password", passwordChanged: "Password changed. The other sessions are ended.",
    notSignedIn: "You are not signed in", why_denied: "It was cancelled on the other page.",
    why_known_address: "That address has an account here, and the provider has not verified it. Sign in with your password and link it in your account.",
    why_taken: "That identity is linked to another account.", why_disabled: "This account is disabled.",
    why_no_address: "The provider gave no email address.", why_failed: "The provider could not confirm who you are. Try again.",
    why_unavailable: "The provider does not answer. Try again in a moment.",
    unreachable: "The server does not answer. Check the connection.", broken: "The server could not answer. Try again.",
    forbidden: "This is not permitted to you.", conflict: "This does not fit the present state: {{detail}}",
    limited: "Too many tries. Wait a moment.", badLink: "This link was used before or is over. Ask for a new one.",
    weak_password: "At least 8 characters with a lower and an upper case letter, a digit and a symbol.", wrong_password: "The password is wrong.",
    wrong_code: "The code is wrong or was used before.", bad_phone: "Not a telephone number.", invalid: "Check what you have typed.",
    profile: "Details", second: "Two-step verification", secondOff: "Off. With it, the password alone does not sign anybody in.",
    secondOn: "On.", setUp: "Switch on", switchOff: "Switch off", scan: "Scan this with your app, and type the six digits that it shows.",
    secret: "Or type this key", code: "Code", confirm: "Confirm", qr: "QR code for the app",
    recovery: "Recovery codes", recoveryHint: "Each works once if you lose the app. They are not shown again: keep them.",
    sessions: "Sessions", current: "This session", endSession: "End", endOthers: "End the others", lastUsed: "Last activity",
    address: "Address", browser: "Browser", linked: "Linked accounts", link: "Link {{name}}", unlink: "Unlink", none: "None.",
    unverified: "Your email is not confirmed: until then you can see this page only.", resend: "Send the letter again", resent: "Letter sent.",
    invite: "Invite", inviteUser: "Invite somebody", invited: "Invitation sent.", search: "Search", all: "All",
    active: "Active", invitedState: "Invited", disabled: "Disabled", erased: "Erased", disable: "Disable", enable: "Enable",
    edit: "Change", queues: "Queues", teams: "Teams", limits: "Limits, separated by commas; empty: no limit", more: "More",
    lastLogin: "Last sign-in", never: "never", second2: "2 steps", builtIn: "fixed", people: "People", permissions: "Permissions",
    newRole: "New role", name: "Name", remove: "Remove", action: "Action", who: "Who", what: "About", when: "When", details: "Details", before: "Before", after: "After",
    empty: "There is nothing.", signOut: "End their sessions", erasedData: "Erased data",
  },
);

const KNOWN = ["weak_password", "wrong_password", "wrong_code", "bad_phone"] as const;

/** What went wrong, as a sentence in the reader's language. */
export function useFailure(): (error: unknown) => string {
  const say = useT();
  return (error) => {
    if (!(error instanceof ApiError)) return say("broken");
    if (error.status === 0) return say("unreachable");
    if (error.status === 403) return say("forbidden");
    if (error.status === 409) return say("conflict", { detail: error.detail });
    if (error.status === 429) return say("limited");
    const kind = error.errors[0]?.type;
    if (kind === "bad_link") return say("badLink");
    const known = KNOWN.find((one) => one === kind);
    if (known) return say(known);
    return say(error.status === 422 ? "invalid" : "broken");
  };
}
