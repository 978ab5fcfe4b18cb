/** A typed client of the Regulars API: `connect()` gives it, `pages()` walks lists, `expect()` turns problems into errors. */
import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema.js";
import { SessionTokens, type TokenPair } from "./tokens.js";
import { sender, type RetryOptions } from "./send.js";

export type { components, operations, paths } from "./schema.js";
export type { RetryOptions } from "./send.js";
export type { TokenPair } from "./tokens.js";

/** The named schemas of the document: `Schemas["Customer"]`. */
export type Schemas = components["schemas"];
/** The API as openapi-fetch offers it: `api.GET("/api/v1/customers", …)`. */
export type Api = Client<paths, `${string}/${string}`>;

/** How to reach a server, and as whom. */
export interface Options extends RetryOptions {
  /** Where the server is, such as `https://customers.example.com`. */
  baseUrl: string;
  /** For a program: an API key. */
  apiKey?: string;
  /** For a person: the tokens of a login. They refresh themselves. */
  tokens?: TokenPair;
  /** Told of each new pair, to keep it: a refresh token is good for one refresh. */
  onTokens?: (tokens: TokenPair) => void;
}

/** A client of a server. */
export function connect(options: Options): Api {
  const base = options.baseUrl.replace(/\/+$/, "");
  const tokens = options.tokens && new SessionTokens(base, options.tokens, options);
  return createClient<paths, `${string}/${string}`>({ baseUrl: base, fetch: sender(options, options.apiKey, tokens) });
}

/** A refusal of the server (RFC 9457). */
export class ProblemError extends Error {
  constructor(
    /** What the server said; `error_code` is for programs. */
    readonly problem: Schemas["Problem"],
    /** The reply. */
    readonly response: Response,
  ) {
    super(`${problem.status} ${problem.error_code}: ${problem.detail}`);
    this.name = "ProblemError";
  }
}

/** What openapi-fetch gives for a call. */
export interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; a {@link ProblemError} if it was refused. */
export async function expect<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ProblemError(problemOf(error, response), response);
  return data as T;
}

function problemOf(error: unknown, response: Response): Schemas["Problem"] {
  if (typeof error === "object" && error !== null && "error_code" in error) return error as Schemas["Problem"];
  return {
    type: "about:blank",
    title: response.statusText,
    status: response.status,
    detail: "The reply is not one of the API: is something in between?",
    error_code: "NO_PROBLEM",
    timestamp: new Date().toISOString(),
    request_id: response.headers.get("X-Request-Id") ?? "",
  };
}

/** What every page of a list has. */
export interface Page {
  next_cursor: string | null;
}

/**
 * Every page of a list, from the first on. The cost of a page is the same at any depth.
 *
 *     for await (const page of pages((cursor) => api.GET("/api/v1/customers", { params: { query: { cursor, limit: 100 } } })))
 */
export async function* pages<P extends Page>(
  fetchPage: (cursor: string | undefined) => Promise<Answer<P>>,
): AsyncGenerator<P, void, undefined> {
  let cursor: string | undefined;
  do {
    const page: P = await expect(fetchPage(cursor));
    yield page;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
