/**
 * Where the desk's middle is besides a conversation: a page of the CRM, named by the address after
 * `#`, so that Back, Forward and a reload find it again. The conversation stays where it is.
 */
export const PAGES = [
  "customers", "customer", "policy", "claim", "quote", "tasks", "task", "workflows", "workflow", "run", "import", "office", "erased", "new",
] as const;
export type Page = (typeof PAGES)[number];
export const KINDS = ["customer", "policy", "claim", "quote", "task", "workflow"] as const;
export type Kind = (typeof KINDS)[number];

export interface Place {
  page: Page;
  /** Of the thing shown, or the kind of what is new. */
  id: string;
  /** What a form begins with, or a list is narrowed to. */
  with: Readonly<Record<string, string>>;
}

const NEEDS_ID: ReadonlySet<Page> = new Set(["customer", "policy", "claim", "quote", "task", "workflow", "run"]);
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function place(page: Page, id = "", given: Record<string, string | null | undefined> = {}): Place {
  const kept = Object.entries(given).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return { page, id, with: Object.fromEntries(kept) };
}

export function hashOf({ page, id, with: given }: Place): string {
  const query = new URLSearchParams(given).toString();
  return `#${page}${id && `/${id}`}${query && `?${query}`}`;
}

/** Null: the address names no page. */
export function placeOf(hash: string): Place | null {
  const [, page, id = "", query = ""] = /^#([a-z]+)(?:\/([0-9a-z-]+))?(?:\?(.*))?$/.exec(hash) ?? [];
  const found = PAGES.find((one) => one === page);
  if (!found) return null;
  if (NEEDS_ID.has(found) && !ID.test(id)) return null;
  if (found === "new" && !KINDS.some((kind) => kind === id)) return null;
  return { page: found, id, with: Object.fromEntries(new URLSearchParams(query)) };
}
