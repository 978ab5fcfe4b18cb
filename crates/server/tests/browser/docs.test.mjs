// Presses every operation of /docs: the request that leaves the page is the one that was pressed. Requests to the API are
// answered here, so nothing happens to anybody.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { Server, browser, watched } from "./stage.mjs";

const KEPT = "regulars.authorized";
const ID = "019cb0a4-7d10-7c3a-8f4e-5b1c2d3e4f50";

/** /docs, with what it sends to the API in `sent`; each request is answered with what it was. */
async function docs(context, server) {
  const page = await watched(context, server);
  const sent = [];
  const api = (url) => url.origin === server.url && url.pathname !== "/openapi.json" && !url.pathname.startsWith("/docs");
  await page.route(api, (route) => {
    const request = route.request();
    const { authorization: token = null } = request.headers();
    sent.push({ method: request.method(), path: new URL(request.url()).pathname, token });
    return route.fulfill({ status: 200, contentType: "application/json", body: JSON.stringify(sent.at(-1)) });
  });
  await page.goto(`${server.url}/docs`);
  await page.locator(".opblock").first().waitFor();
  return Object.assign(page, { sent });
}

async function authorize(page, token) {
  await page.locator(".auth-wrapper .authorize").first().click();
  await page.locator(".auth-container input").fill(token);
  await page.locator(".auth-container button.authorize").click();
  await page.locator(".auth-container .btn-done").click();
}

/**
 * Opens the panel of an operation, fills in what it needs, presses Execute, and closes it: what was sent. Runs inside the
 * page, because a step there takes as long as the page draws, and there are many.
 */
async function press(page, operation) {
  const required = operation.parameters?.filter((one) => one.required) ?? [];
  const values = required.map(({ name, schema }) => [name, schema.format === "uuid" ? ID : "a-value"]);
  const before = page.sent.length;
  const shown = await page.evaluate(pressInside, { id: panel(operation), values });
  const sent = page.sent.slice(before);
  assert.deepEqual([JSON.parse(shown)], sent, "one request, whose answer the panel shows");
  return sent[0];
}

/** Whether the filter of the page leaves an operation. */
const found = ({ path, operation: { tags, operationId, summary } }, phrase) =>
  [...tags, `${path} ${operationId} ${summary}`].some((text) => text.toLowerCase().includes(phrase.toLowerCase()));

const panel = ({ tags, operationId }) => `operations-${tags[0].replaceAll(" ", "_")}-${operationId}`;

async function pressInside({ id, values }) {
  const all = (selector) => document.querySelectorAll(`[id="${id}"]${selector}`);
  const until = (what, holds) =>
    new Promise((done, fail) => {
      const late = setTimeout(() => fail(new Error(`${id}: ${what} not in time`)), 20_000);
      const look = () => {
        if (!holds()) return;
        clearTimeout(late);
        changes.disconnect();
        done();
      };
      const changes = new MutationObserver(look);
      changes.observe(document.body, { subtree: true, childList: true, attributes: true });
      look();
    });
  const one = async (selector) => {
    await until(selector, () => all(selector).length === 1);
    return all(selector)[0];
  };

  (await one(" .opblock-summary-control")).click();
  await one(" .btn.execute");
  // What it says comes a moment later, and draws the panel anew.
  await until("all it says", () => all(" .opblock-loading-animation").length === 0);
  const open = document.querySelectorAll(".opblock.is-open").length;
  if (open !== 1) throw new Error(`one press of ${id} opened ${open} panels`);
  for (const [name, value] of values) {
    const input = await one(` tr[data-param-name="${name}"] input`);
    input.focus();
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, value);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    // The page waits for the end of typing, or for this.
    input.blur();
  }
  for (const input of all(" input[type=file]")) {
    const files = new DataTransfer();
    files.items.add(new File(["a"], "a.png", { type: "image/png" }));
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
  (await one(" .btn.execute")).click();
  const shown = (await one(" .live-responses-table .highlight-code pre")).textContent;
  all(" .opblock-summary-control")[0].click();
  await until("closed", () => all(".is-open").length === 0);
  return shown;
}

test("the page of the API", async (t) => {
  const server = await Server.start(t);
  const chrome = await browser(t);
  const document = await (await fetch(`${server.url}/openapi.json`)).json();
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );

  await t.test("sends what is pressed, for every operation", async () => {
    const page = await docs(await chrome.newContext(), server);
    await authorize(page, "a-token");
    const panels = await page.locator(".opblock").evaluateAll((all) => all.map(({ id }) => id));
    assert.deepEqual(panels.sort(), operations.map(({ operation }) => panel(operation)).sort());
    assert.equal(new Set(panels).size, panels.length, "no panel has the name of another");
    for (const { method, path, operation } of operations) {
      // The page draws all that it shows anew at each step; the filter leaves little.
      await page.locator(".operation-filter-input").fill(operation.operationId);
      const shown = operations.filter((one) => found(one, operation.operationId)).length;
      await page.waitForFunction((count) => document.querySelectorAll(".opblock").length === count, shown);
      const sent = await press(page, operation);
      const what = `${method} ${path} sent ${sent.method} ${sent.path}`;
      assert.equal(sent.method, method, what);
      assert.match(sent.path, new RegExp(`^${path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`), what);
      const open = operation.security?.some((one) => Object.keys(one).length === 0);
      if (!open) assert.equal(sent.token, "Bearer a-token", what);
    }
    assert.equal(page.sent.length, operations.length);
    assert.deepEqual([page.seen.errors, page.seen.elsewhere], [[], []]);
  });

  await t.test("keeps the token as long as the tab, and nowhere else", async () => {
    const context = await chrome.newContext();
    const page = await docs(context, server);
    await authorize(page, "a-token");
    await page.reload();
    await page.locator(".opblock").first().waitFor();
    const account = operations.find(({ operation }) => operation.operationId === "getAccount");
    assert.equal((await press(page, account.operation)).token, "Bearer a-token");
    assert.equal(await page.evaluate(() => localStorage.length), 0);
    const other = await docs(context, server);
    assert.equal(await other.evaluate((name) => sessionStorage.getItem(name) ?? "{}", KEPT), "{}");
    await page.locator(".auth-wrapper .authorize").first().click();
    await page.locator(".auth-container button", { hasText: "Logout" }).click();
    assert.equal(await page.evaluate((name) => sessionStorage.getItem(name), KEPT), "{}");
  });

  await t.test("is dark where that is asked for, tells what its groups are, and leads somewhere", async () => {
    const page = await docs(await chrome.newContext({ colorScheme: "dark" }), server);
    const light = () => page.evaluate(() => /\d+/.exec(getComputedStyle(document.documentElement).backgroundColor)[0] > 128);
    const pictures = process.env.PICTURES;
    if (pictures) await mkdir(pictures, { recursive: true });
    const picture = (name) => pictures && page.screenshot({ path: join(pictures, `docs-${name}.png`) });
    const isDark = () => page.evaluate(() => document.documentElement.classList.contains("dark-mode"));
    assert.deepEqual([await isDark(), await light()], [true, false]);
    await picture("dark");
    await page.emulateMedia({ colorScheme: "light" });
    await page.waitForFunction(() => !document.documentElement.classList.contains("dark-mode"));
    assert.deepEqual([await isDark(), await light()], [false, true]);
    await picture("light");
    await page.setViewportSize({ width: 375, height: 800 });
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    await picture("narrow");
    assert.ok(sideways <= 0, `it scrolls sideways by ${sideways}`);
    assert.ok((await page.locator(".operation-filter-input").boundingBox()).width > 250, "room for a word to look for");
    await page.setViewportSize({ width: 1200, height: 800 });

    assert.equal(await page.locator(".servers").count(), 0, "there is one server, and nothing to choose");
    assert.equal(await page.locator(".info__license").textContent(), document.info.license.name);
    assert.equal(await page.locator(".opblock-tag small p").count(), document.tags.length);
    const summaries = await page.locator(".opblock-summary-description").allTextContents();
    assert.deepEqual(summaries.filter((text) => text === "" || text.includes("`")), []);
    for (const link of await page.locator(".info a").all()) {
      const target = new URL(await link.getAttribute("href"), `${server.url}/docs`);
      assert.equal(target.origin, server.url, `${target} leads elsewhere`);
      assert.equal((await fetch(target)).status, 200, `${target} leads nowhere`);
    }
    await page.locator(".operation-filter-input").fill("erase");
    await page.locator('[id="operations-customers-eraseCustomer"]').waitFor();
    await page.locator('[id="operations-customers-createCustomer"]').waitFor({ state: "detached" });
    assert.deepEqual([page.seen.errors, page.seen.elsewhere], [[], []]);
  });
});
