// The pages for people, as people meet them: the links in mails, dark and light, narrow and wide, by keyboard.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { Server, browser, watched } from "./stage.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PASSWORD = "a long enough sentence";

const register = (server, email) =>
  server.call("POST", "/api/auth/register/", { email, password: PASSWORD, first_name: "Rosa", last_name: "Quispe" });
const verified = async (server, token) => (await server.call("GET", "/api/auth/profile/", undefined, token)).body.email_verified;

/** Opens a link as a mail program does, and looks whether that alone had an effect. */
async function open(context, server, link) {
  const page = await watched(context, server);
  await page.goto(link);
  await page.getByRole("button").first().waitFor();
  const secret = link.split("#token=")[1];
  assert.ok(page.seen.requests.every((request) => request.startsWith("GET ")), page.seen.requests);
  assert.ok(page.seen.requests.every((request) => !request.includes(secret)), "the secret is in an address");
  assert.equal(new URL(page.url()).hash, "", "the secret stays in the address bar");
  return page;
}

/** Nothing failed unseen, and nothing went elsewhere. */
function end(page) {
  assert.deepEqual(page.seen.errors, []);
  assert.deepEqual(page.seen.elsewhere, []);
  return page.close();
}

test("links in mails", async (t) => {
  const server = await Server.start(t);
  const chrome = await browser(t);
  const context = await chrome.newContext({ locale: "en-GB" });
  const outcome = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();

  await t.test("an address is confirmed with the account's password, and not with a mistyped one", async () => {
    const { body } = await register(server, "rosa@example.com");
    const link = await server.link("rosa@example.com");
    const page = await open(context, server, link);
    assert.equal(await verified(server, body.tokens.access), false);
    await page.reload();
    await page.getByLabel("Your password").fill("a wrong enough sentence");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "not the password" }).waitFor();
    assert.equal(await verified(server, body.tokens.access), false);
    await page.getByLabel("Show the password").check();
    await page.getByLabel("Your password").fill(PASSWORD);
    await page.getByRole("button", { name: "Confirm address" }).click();
    await outcome(page, "rosa@example.com is confirmed");
    assert.equal(await verified(server, body.tokens.access), true);
    assert.equal(await page.getByRole("button").count(), 0, "what is done is not offered again");
    await end(page);
    const again = await open(context, server, link);
    await again.getByLabel("Your password").fill(PASSWORD);
    await again.getByRole("button", { name: "Confirm address" }).click();
    await outcome(again, "was used before");
    await end(again);
    assert.ok(!server.log.includes(link.split("#token=")[1]), "the secret is in the log");
  });

  await t.test("who does not know the password chooses a new one", async () => {
    await register(server, "forgot@example.com");
    const page = await open(context, server, await server.link("forgot@example.com"));
    await page.getByRole("button", { name: "I do not know the password" }).click();
    await page.getByLabel("New password").fill("short");
    await page.getByRole("button", { name: "Set password" }).click();
    await page.getByRole("alert").filter({ hasText: "at least 8" }).waitFor();
    await page.getByLabel("New password").fill("another long sentence");
    await page.getByRole("button", { name: "Set password" }).click();
    await outcome(page, "forgot@example.com is confirmed");
    const login = await server.call("POST", "/api/auth/login/", { email: "forgot@example.com", password: "another long sentence" });
    assert.equal(login.status, 200);
    await end(page);
  });

  await t.test("an account that staff typed in is claimed", async () => {
    const key = await server.run(["api-key", "create", "--role", "admin", "--name", "browser"]);
    const typed = { first_name: "Tomás", last_name: "Rivera", email: "tomas@example.com" };
    assert.equal((await server.call("POST", "/api/v1/customers/", typed, key)).status, 201);
    assert.equal((await register(server, "tomas@example.com")).body.error_code, "ACCOUNT_CLAIMABLE");
    const page = await open(context, server, await server.link("tomas@example.com"));
    await page.getByLabel("New password").fill(PASSWORD);
    await page.getByRole("button", { name: "Set password" }).click();
    await outcome(page, "Log in as tomas@example.com");
    const login = await server.call("POST", "/api/auth/login/", { email: "tomas@example.com", password: PASSWORD });
    assert.equal(login.status, 200);
    await end(page);
  });

  await t.test("another address replaces the old one", async () => {
    const { body } = await register(server, "old@example.com");
    const first = await open(context, server, await server.link("old@example.com"));
    await first.getByLabel("Your password").fill(PASSWORD);
    await first.getByRole("button", { name: "Confirm address" }).click();
    await outcome(first, "old@example.com is confirmed");
    await end(first);
    await server.call("PATCH", "/api/auth/profile/update/", { email: "new@example.com" }, body.tokens.access);
    const page = await open(context, server, await server.link("new@example.com"));
    await page.getByLabel("Your password").fill(PASSWORD);
    await page.getByRole("button", { name: "Use this address" }).click();
    await outcome(page, "your address is now new@example.com");
    await end(page);
  });

  await t.test("a page without a secret, without a server and in Spanish says what to do", async () => {
    const bare = await watched(context, server);
    await bare.goto(server.url + "/account/verify");
    await outcome(bare, "belongs to a link in a mail");
    await end(bare);
    await register(server, "es@example.com");
    const spanish = await chrome.newContext({ locale: "es-AR" });
    const page = await open(spanish, server, await server.link("es@example.com"));
    await page.route("**/api/auth/email/verify", (route) => route.abort());
    await page.getByLabel("Su contraseña").fill(PASSWORD);
    await page.getByRole("button", { name: "Confirmar dirección" }).click();
    await outcome(page, "No se pudo contactar");
    await page.unroute("**/api/auth/email/verify");
    const busy = { status: 429, headers: { "Retry-After": "7" }, json: { error_code: "TOO_MANY_REQUESTS" } };
    await page.route("**/api/auth/email/verify", (route) => route.fulfill(busy));
    await page.getByRole("button", { name: "Confirmar dirección" }).click();
    await outcome(page, "Espere 7 segundos");
    await page.unroute("**/api/auth/email/verify");
    await page.getByRole("button", { name: "Confirmar dirección" }).click();
    await outcome(page, "es@example.com está confirmada");
    await page.close();
  });
});

test("every page is readable: dark and light, narrow and wide, with a keyboard and a screen reader", async (t) => {
  const server = await Server.start(t);
  const chrome = await browser(t);
  const pictures = process.env.PICTURES;
  if (pictures) await mkdir(pictures, { recursive: true });
  const paths = ["/", "/nothing", "/docs/conventions", "/docs/compatibility", "/account/verify#token=x", "/account/claim#token=x"];
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [320, 1200]) {
      const context = await chrome.newContext({ colorScheme, viewport: { width, height: 800 } });
      for (const path of paths) {
        const what = `${path} ${colorScheme} ${width}`;
        const page = await watched(context, server);
        await page.goto(server.url + path);
        const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(sideways <= 0, `${what} scrolls sideways by ${sideways}`);
        await page.evaluate(AXE);
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const found = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
        assert.deepEqual(found, [], what);
        await page.keyboard.press("Tab");
        const focused = await page.evaluate(() => document.activeElement.tagName);
        assert.match(focused, /^(A|INPUT|PRE|BUTTON)$/, what);
        if (pictures) {
          const name = path.replaceAll(/\W+/g, "-");
          await page.screenshot({ path: join(pictures, `page${name}-${colorScheme}-${width}.png`) });
        }
        // A missing page is one that the browser tells about as well.
        await end(page);
      }
      await context.close();
    }
  }
});
