/** Runs the client against the server at API_URL with the API key in API_KEY (scripts/clients starts both). */
import assert from "node:assert/strict";

import { connect, expect, pages, ProblemError, type Schemas, type TokenPair } from "../src/index.js";

const baseUrl = process.env["API_URL"] ?? "";
const apiKey = process.env["API_KEY"] ?? "";
const mark = `ts-${Date.now()}`;
const password = "Difference-Engine-1842";

async function registersLogsInAndRefreshes(): Promise<void> {
  const stranger = connect({ baseUrl });
  const email = `${mark}@example.com`;
  const registered = await expect(
    stranger.POST("/api/auth/register", {
      body: { email, first_name: "Ada", last_name: "Lovelace", password, customer: { city: "London" } },
    }),
  );
  assert.equal(registered.customer?.city, "London");
  const login = await expect(stranger.POST("/api/auth/login", { body: { email, password } }));
  assert.equal(login.has_profile, true);
  let kept: TokenPair | undefined;
  const tokens = { access: "no.longer.good", refresh: login.tokens.refresh };
  const person = connect({ baseUrl, tokens, onTokens: (pair) => (kept = pair) });
  // Two at once share one refresh: a refresh token is good for one.
  const [account, profile] = await Promise.all([
    expect(person.GET("/api/auth/profile")),
    expect(person.GET("/api/v1/customers/profile")),
  ]);
  assert.equal(account.email, email);
  assert.equal(profile.notes, undefined, "customers do not see what staff write");
  assert.ok(kept && kept.refresh !== tokens.refresh);
  const refused = expect(person.GET("/api/v1/customers"));
  await assert.rejects(refused, (e) => e instanceof ProblemError && e.problem.status === 403);
}

async function createsChangesAndRepeats(): Promise<void> {
  const api = connect({ baseUrl, apiKey });
  const body: Schemas["NewCustomer"] = {
    first_name: "Grace",
    last_name: "Hopper",
    email: `${mark}-grace@example.com`,
    gender: "female",
    tags: ["navy", mark],
    metadata: { crm: "A-17" },
  };
  const key = crypto.randomUUID();
  const create = () => api.POST("/api/v1/customers", { params: { header: { "Idempotency-Key": key } }, body });
  const first = await create();
  const customer = await expect(Promise.resolve(first));
  const again = await create();
  assert.equal(again.response.headers.get("Idempotent-Replayed"), "true");
  assert.equal(again.data?.id, customer.id);
  assert.equal(customer.metadata?.["crm"], "A-17");

  const path = { ref: customer.customer_id };
  const read = await api.GET("/api/v1/customers/{ref}", { params: { path } });
  const tag = read.response.headers.get("ETag") ?? "";
  const change = (city: string) =>
    api.PATCH("/api/v1/customers/{ref}", { params: { path, header: { "If-Match": tag } }, body: { city } });
  assert.equal((await expect(change("Boston"))).city, "Boston");
  const late = await change("Denver");
  assert.equal(late.response.status, 412);
  assert.equal(late.error?.error_code, "PRECONDITION_FAILED");
  const same = await api.GET("/api/v1/customers/{ref}", {
    params: { path, header: { "If-None-Match": first.response.headers.get("ETag") ?? "" } },
  });
  assert.equal(same.response.status, 200, "it has changed since");
}

async function walksPages(): Promise<void> {
  const api = connect({ baseUrl, apiKey });
  const tag = `page-${mark}`;
  for (let i = 0; i < 5; i += 1) {
    const body = { first_name: "Page", last_name: `Number ${i}`, email: `${mark}-${i}@example.com`, tags: tag };
    await expect(api.POST("/api/v1/customers", { body }));
  }
  const names: string[] = [];
  let count = 0;
  const query = { tag, limit: 2, sort: "last_name" };
  for await (const page of pages((cursor) =>
    api.GET("/api/v1/customers", { params: { query: { ...query, cursor } } }),
  )) {
    count += 1;
    names.push(...page.customers.map((customer) => customer.last_name));
  }
  assert.equal(count, 3);
  assert.deepEqual(names, [0, 1, 2, 3, 4].map((i) => `Number ${i}`));
}

async function waitsForABusyServer(): Promise<void> {
  const keys: (string | null)[] = [];
  const busyTwice: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    keys.push(request.headers.get("Idempotency-Key"));
    const status = [429, 503][keys.length - 1];
    return status ? new Response(null, { status, headers: { "Retry-After": "0" } }) : fetch(request);
  };
  const api = connect({ baseUrl, apiKey, fetch: busyTwice });
  await expect(api.POST("/api/v1/customers/search", { body: { query: mark } }));
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1, "a repeat has the key of the first try");

  let sent = 0;
  const busy: typeof fetch = async () => {
    sent += 1;
    return new Response(null, { status: 503, headers: { "Retry-After": "3600" } });
  };
  const reply = await connect({ baseUrl, apiKey, fetch: busy }).GET("/api/v1/customers/stats");
  assert.deepEqual([reply.response.status, sent], [503, 1], "nobody waits an hour unasked");
}

for (const test of [registersLogsInAndRefreshes, createsChangesAndRepeats, walksPages, waitsForABusyServer]) {
  await test();
  console.log(`ok ${test.name}`);
}
