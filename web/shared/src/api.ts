/**
 * HTTP with the session's tokens. The refresh token lives in an HttpOnly cookie;
 * the access token only in memory. A 401 refreshes once and tries again; when
 * that fails too, the session is over and `session` becomes null.
 */
import type { LoginOut, MeOut, SignedInOut, TokensOut } from "./contract";
import { Store } from "./store";

export type Session = MeOut;

/** `undefined` until the first refresh has answered, `null` when nobody is signed in. */
export const session = new Store<Session | null | undefined>(undefined);

/** An answer other than 2xx: RFC 9457's fields, or status 0 when no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly errors: { loc: (string | number)[]; type: string; ctx?: Record<string, unknown>; msg: string }[] = [],
    readonly retryAfter: number | null = null,
    readonly ctx: Record<string, unknown> = {},
  ) {
    super(detail);
  }
}

const BASE = "/api/v1";
let accessToken: string | null = null;
let refreshing: Promise<boolean> | null = null;

interface RequestOptions {
  body?: unknown;
  /** A file instead of JSON, with its media type. */
  file?: { content: Blob; type: string };
  /** Sent as If-Match. */
  etag?: string;
  /** Sent as Idempotency-Key: the same key repeats the same answer. */
  key?: string;
  signal?: AbortSignal;
}

async function send(method: string, path: string, options: RequestOptions): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (accessToken) headers.Authorization = `Bearer ${accessToken}`;
  if (options.etag) headers["If-Match"] = options.etag;
  if (options.key) headers["Idempotency-Key"] = options.key;
  const init: RequestInit = { method, headers, credentials: "same-origin" };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.file) {
    headers["Content-Type"] = options.file.type;
    init.body = options.file.content;
  }
  if (options.signal) init.signal = options.signal;
  try {
    return await fetch(BASE + path, init);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, "unreachable");
  }
}

async function problem(response: Response): Promise<ApiError> {
  const retry = Number(response.headers.get("Retry-After"));
  const body = (await response.json().catch(() => ({}))) as Partial<{
    detail: string;
    title: string;
    errors: ApiError["errors"];
    ctx: Record<string, unknown>;
  }>;
  return new ApiError(
    response.status,
    body.detail ?? body.title ?? response.statusText,
    body.errors ?? [],
    Number.isFinite(retry) && retry > 0 ? retry : null,
    body.ctx ?? {},
  );
}

/** The answer when it is a 2xx, with a fresh token if it needed one; throws ApiError. */
async function answer(method: string, path: string, options: RequestOptions): Promise<Response> {
  const used = accessToken;
  let response = await send(method, path, options);
  if (response.status === 401) {
    if (used === accessToken) await refresh();
    if (accessToken) response = await send(method, path, options);
  }
  if (!response.ok) throw await problem(response);
  return response;
}

/** JSON in, JSON out; throws ApiError. */
export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const response = await answer(method, path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

export const api = {
  get: <T>(path: string, signal?: AbortSignal) => request<T>("GET", path, signal ? { signal } : {}),
  post: <T>(path: string, body?: unknown, options: RequestOptions = {}) =>
    request<T>("POST", path, { ...options, body: body ?? {} }),
  patch: <T>(path: string, body: unknown, etag?: string) =>
    request<T>("PATCH", path, etag ? { body, etag } : { body }),
  put: <T>(path: string, body: unknown, etag?: string) =>
    request<T>("PUT", path, etag ? { body, etag } : { body }),
  delete: <T>(path: string, etag?: string) => request<T>("DELETE", path, etag ? { etag } : {}),
  /** A file, whole. */
  blob: async (path: string, signal?: AbortSignal): Promise<Blob> =>
    (await answer("GET", path, signal ? { signal } : {})).blob(),
};

/** The access token for a socket; refreshed when there is none. Null: sign in again. */
export async function token(): Promise<string | null> {
  if (!accessToken) await refresh();
  return accessToken;
}

/** Throw the access token away, so that the next use asks for a new one. */
export function dropToken(): void {
  accessToken = null;
}

/**
 * Ask for a new access token by the cookie; one request at a time for all callers.
 * True when signed in. A network failure throws, since it says nothing of the session.
 */
export function refresh(): Promise<boolean> {
  refreshing ??= doRefresh().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function doRefresh(): Promise<boolean> {
  const response = await send("POST", "/auth/refresh", { body: { token_transport: "cookie" } });
  // 204: this browser has no cookie, so nobody is signed in.
  if (response.ok && response.status !== 204) {
    accessToken = ((await response.json()) as TokensOut).access_token;
    if (!session.get()) session.set(await me());
    return true;
  }
  if (response.status === 429 || response.status >= 500) throw await problem(response);
  accessToken = null;
  session.set(null);
  return false;
}

const me = async (): Promise<Session> => {
  const response = await send("GET", "/auth/me", {});
  if (!response.ok) throw await problem(response);
  return (await response.json()) as Session;
};

/** Sign in; where the account has a second step, answers the token that its code goes with. */
export async function signIn(email: string, password: string): Promise<string | null> {
  const body = { email, password, token_transport: "cookie" };
  const response = await send("POST", "/auth/login", { body });
  if (!response.ok) throw await problem(response);
  const told = (await response.json()) as LoginOut;
  if (told.temp_token) return told.temp_token;
  accessToken = told.access_token ?? null;
  session.set(await me());
  return null;
}

/** The second step: a code of the authenticator, or a recovery code. */
export async function secondStep(tempToken: string, code: string): Promise<void> {
  const body = { temp_token: tempToken, code, token_transport: "cookie" };
  const response = await send("POST", "/auth/2fa/login", { body });
  if (!response.ok) throw await problem(response);
  accessToken = ((await response.json()) as SignedInOut).access_token;
  session.set(await me());
}

/** Read again who is signed in, after something about them has changed. */
export async function readSession(): Promise<void> {
  session.set(await me());
}

/** Why the last try to sign out failed; null once it is forgotten. */
export const stillSignedIn = new Store<unknown>(null);

/**
 * End the session, by the cookie where the access token is too old. A 401 means that it was over
 * before. Throws ApiError when it goes on: the page then stays as it is.
 */
export async function signOut(): Promise<void> {
  const response = await send("POST", "/auth/logout", { body: { token_transport: "cookie" } });
  if (!response.ok && response.status !== 401) throw await problem(response);
  accessToken = null;
  session.set(null);
  stillSignedIn.set(null);
}

/** Sign out from a menu; `stillSignedIn` says when that failed. */
export function leave(): void {
  stillSignedIn.set(null);
  signOut().catch((error: unknown) => stillSignedIn.set(error));
}
