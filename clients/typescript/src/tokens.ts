import type { components } from "./schema.js";

/** An access token and the refresh token that gives the next pair. */
export type TokenPair = components["schemas"]["TokenPair"];

/** The tokens of a session. Requests that find the access token refused at the same time share one refresh. */
export class SessionTokens {
  #pair: TokenPair;
  #refreshing: Promise<void> | undefined;

  constructor(
    private readonly base: string,
    pair: TokenPair,
    private readonly options: { fetch?: typeof fetch; onTokens?: (tokens: TokenPair) => void },
  ) {
    this.#pair = pair;
  }

  get access(): string {
    return this.#pair.access;
  }

  /** Gets a new pair, unless somebody did since `refused` was sent. False if the session has ended. */
  async refresh(refused: string): Promise<boolean> {
    if (this.#pair.access === refused) {
      this.#refreshing ??= this.#ask().finally(() => (this.#refreshing = undefined));
      await this.#refreshing;
    }
    return this.#pair.access !== refused;
  }

  async #ask(): Promise<void> {
    const reply = await (this.options.fetch ?? fetch)(`${this.base}/api/auth/token/refresh`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ refresh: this.#pair.refresh }),
    });
    if (!reply.ok) return;
    this.#pair = (await reply.json()) as TokenPair;
    this.options.onTokens?.(this.#pair);
  }
}
