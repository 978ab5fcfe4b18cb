import type { SessionTokens } from "./tokens.js";

/** How often, and how long at most, to wait for a server that is busy. */
export interface RetryOptions {
  /** Tries after the first; 3 without it. */
  retries?: number;
  /** Longest wait in seconds that is accepted; a longer `Retry-After` is answered as it is. 60 without it. */
  maxWait?: number;
  /** Another `fetch`, such as one behind a proxy. */
  fetch?: typeof fetch;
}

const CHANGES = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/** A `fetch` that knows the caller, names each change, and tries again. */
export function sender(
  options: RetryOptions,
  apiKey: string | undefined,
  tokens: SessionTokens | undefined,
): (request: Request) => Promise<Response> {
  const { retries = 3, maxWait = 60, fetch: send = fetch } = options;
  return async (request) => {
    const changes = CHANGES.has(request.method);
    if (changes && !request.headers.has("Idempotency-Key")) {
      request.headers.set("Idempotency-Key", crypto.randomUUID());
    }
    let refreshed = false;
    for (let tries = 0; ; ) {
      const token = apiKey ?? tokens?.access;
      if (token !== undefined) request.headers.set("Authorization", `Bearer ${token}`);
      const reply = await send(request.clone());
      if (reply.status === 401 && tokens && token && !refreshed) {
        refreshed = true;
        if (await tokens.refresh(token)) continue;
      }
      const wait = tries < retries ? waitOf(request, reply, changes) : undefined;
      if (wait === undefined || wait > maxWait) return reply;
      tries += 1;
      await new Promise((done) => setTimeout(done, wait * 1000));
    }
  };
}

/** Seconds until another try; undefined if there is to be none. */
function waitOf(request: Request, reply: Response, changes: boolean): number | undefined {
  // A change under /api/auth/ may have been made when 503 came, and keeps no answer for a key.
  const known = !changes || !new URL(request.url).pathname.startsWith("/api/auth/");
  if (reply.status !== 429 && !(reply.status === 503 && known)) return undefined;
  const seconds = Number(reply.headers.get("Retry-After") ?? 1);
  return Number.isFinite(seconds) ? Math.max(seconds, 0) : 1;
}
