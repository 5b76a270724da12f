/** How people without a name are told apart. */

/** A short mark of a contact: the end of its id, which is random. */
export function markOf(contactId: string | null | undefined): string {
  return contactId ? contactId.slice(-4).toUpperCase() : "";
}

/** The name, or the word for somebody without one with their mark: “Visitante 4F2A”. */
export function nameOr(name: string, contactId: string | null | undefined, word: string): string {
  return name || `${word} ${markOf(contactId)}`.trim();
}
