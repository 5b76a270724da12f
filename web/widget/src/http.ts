/** Calls of the centre's HTTP interface, with its refusals in the words of the socket's. */

export class HttpError extends Error {
  constructor(
    readonly code: string,
    /** Seconds to wait, when the centre says so. */
    readonly retryAfter: number | null,
    /** Names of the refused fields. */
    readonly fields: string[],
  ) {
    super(code);
  }
}

const CODES: Record<number, string> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  413: "too_large",
  429: "rate_limited",
};

export interface Call {
  method: "GET" | "POST";
  url: string;
  token?: string | undefined;
  body?: object;
  headers?: Record<string, string>;
  /** Longest wait for the answer, in ms. */
  patience: number;
}

/** The JSON or the text of the answer. Throws HttpError; no answer at all is `offline`. */
export async function call(fetcher: typeof fetch, request: Call): Promise<unknown> {
  const { method, url, token, body, headers, patience } = request;
  const response = await fetcher(url, {
    method,
    headers: {
      ...(body ? { "Content-Type": "application/json" } : {}),
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
    credentials: "omit",
    signal: AbortSignal.timeout(patience),
  }).catch(() => {
    throw new HttpError("offline", null, []);
  });
  const json = (response.headers.get("Content-Type") ?? "").includes("json");
  if (response.ok) return json ? response.json() : response.text();
  const problem = json ? ((await response.json()) as { errors?: { loc: (string | number)[] }[] }) : {};
  const retryAfter = Number(response.headers.get("Retry-After"));
  throw new HttpError(
    CODES[response.status] ?? (response.status >= 500 ? "unavailable" : "invalid"),
    retryAfter > 0 ? retryAfter : null,
    (problem.errors ?? []).map((error) => String(error.loc.at(-1))),
  );
}
