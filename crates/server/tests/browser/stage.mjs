// A server on a fresh data directory and a browser in front of it, for the tests in this folder.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

import { chromium } from "playwright-core";

const BINARY = process.env.REGULARS;
// Only what hangs needs so long.
const PATIENCE = 60_000;
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** A server that ends with its test. */
export class Server {
  static async start(t, args = []) {
    const server = new Server();
    t.after(() => server.stop());
    server.folder = await mkdtemp(join(tmpdir(), "regulars-browser-"));
    server.env = { PATH: process.env.PATH, REGULARS_DATA_DIR: join(server.folder, "data") };
    const options = { cwd: server.folder, env: server.env, stdio: ["ignore", "pipe", "pipe"] };
    server.child = spawn(BINARY, ["serve", "--listen", "127.0.0.1:0", ...args], options);
    server.ended = once(server.child, "exit");
    server.log = "";
    server.child.stderr.on("data", (text) => (server.log += text));
    const lines = createInterface({ input: server.child.stdout });
    for await (const line of lines) {
      server.url ??= /API\s+(http:\S+)\//.exec(line)?.[1];
      if (line.startsWith("Ctrl-C")) return server;
    }
    throw new Error(`the server does not start: ${server.log}`);
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.ended;
    await rm(this.folder, { recursive: true });
  }

  /** Runs a command of the binary; what it printed. */
  async run(args, input = "") {
    const child = spawn(BINARY, args, { cwd: this.folder, env: this.env });
    let [out, err] = ["", ""];
    child.stdout.on("data", (text) => (out += text));
    child.stderr.on("data", (text) => (err += text));
    child.stdin.end(input);
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`regulars ${args.join(" ")}: ${err}`);
    return out.trim();
  }

  /** A call of the API: status and body. */
  async call(method, path, body, token) {
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    const options = { method, headers, body: body && JSON.stringify(body) };
    const response = await fetch(this.url + path, options);
    return { status: response.status, body: await response.json().catch(() => null) };
  }

  /** The link in the newest mail to an address, once it is sent. */
  async link(to) {
    const outbox = join(this.folder, "data", "outbox");
    for (const end = Date.now() + PATIENCE; Date.now() < end; await pause(50)) {
      const names = await readdir(outbox).catch(() => []);
      const mails = await Promise.all(names.filter((n) => n.endsWith(".eml")).sort().map((n) => readFile(join(outbox, n), "utf8")));
      const mail = mails.filter((text) => text.includes(`To: ${to}`)).at(-1);
      const link = mail && /http\S+#token=[\w-]+/.exec(mail.replaceAll("=\r\n", "").replaceAll("=3D", "="));
      if (link) return link[0];
    }
    throw new Error(`no mail to ${to}`);
  }
}

/** A Chromium that ends with its test. */
export async function browser(t) {
  const started = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
  t.after(() => started.close());
  return started;
}

/**
 * A page that notes what a test must not see: `errors` of scripts and of the policy, `requests` with method and address,
 * and those `elsewhere`, which are not answered.
 */
export async function watched(context, server) {
  const page = await context.newPage();
  const seen = { errors: [], requests: [], elsewhere: [] };
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => {
    // A refusal of the API is one that the page tells about.
    const refused = message.text().startsWith("Failed to load resource: the server responded");
    if (message.type() === "error" && !refused) seen.errors.push(message.text());
  });
  page.on("request", (request) => seen.requests.push(`${request.method()} ${request.url()}`));
  await page.route(
    (url) => url.origin !== server.url && url.protocol.startsWith("http"),
    (route) => {
      seen.elsewhere.push(route.request().url());
      return route.abort();
    },
  );
  return Object.assign(page, { seen });
}
