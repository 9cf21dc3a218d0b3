// The back end of a WeChat mini-program that takes messages in and asks the triage service about
// them. Node.js 18 or newer, no packages.
//
//     node intake.mjs
//
// The mini-program calls wx.request({ url: "https://…/messages", method: "POST", data: { title, text } })
// and gets 202 with a receipt number as soon as the message lies on the disk: a citizen never waits for
// the service, and no message is lost with it. Then the message moves from waiting/ to
// routed/DEPARTMENT/ or, where the decision needs a person or there is none, to person/; the decision
// lies beside it. What waits when the process ends goes on at its next start. Nothing of a message or
// a decision is logged.
//
// Environment: PORT, TRIAGE_URL, TRIAGE_API_KEY, TRIAGE_SPOOL, TRIAGE_TIMEOUT_MS (all attempts
// together).

import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const DEPARTMENTS = new Set(["civil", "administrative", "public_interest", "complaints"]);
// 503: a full queue or a service that starts; 502: the same in the words of a proxy; 409: an attempt
// whose line was cut is still running there; 429: this program asks too often.
const TRY_AGAIN = new Set([409, 429, 502, 503]);
const MOST_BYTES = 256 * 1024;
const MOST_CHARS = 20_000;
const MOST_AT_ONCE = 4;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * What to do with `message` (JSON text): `department` gets it, or a person where that is null.
 * `key` names the message: asked again under it within a day, it is stored once. A cloud function may
 * call this alone. Never rejects for the network or the service.
 */
export async function classify(
  message,
  { url, timeoutMs, apiKey, key = randomUUID(), requestId = randomUUID() },
) {
  const deadline = Date.now() + timeoutMs;
  let why = "unreachable";
  for (let pause = 200; ; pause *= 2) {
    const left = deadline - Date.now();
    if (left <= 0) break;
    let asked = 0;
    try {
      const response = await fetch(`${url}/v1/classify`, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "Idempotency-Key": key,
          "X-Request-ID": requestId,
          "X-Request-Timeout-Ms": String(Math.min(left, 600_000)),
          ...(apiKey ? { Authorization: `Bearer ${apiKey}` } : {}),
        },
        body: message,
        redirect: "error",
        // A little longer than the service has: its own answer, 504, says more than a cut line.
        signal: AbortSignal.timeout(left + 500),
      });
      const answer = await response.text();
      if (response.status === 200) return { ...decided(answer), requestId };
      why = `status_${response.status}`;
      if (!TRY_AGAIN.has(response.status)) break; // the same message would get the same answer
      const header = response.headers.get("retry-after") ?? "";
      asked = /^\d{1,4}$/.test(header) ? Number(header) * 1000 : 0;
    } catch {
      why = "unreachable";
    }
    // As late as the service asks, and no two clients at the same moment.
    const wait = Math.max(asked, pause) + Math.random() * pause;
    if (Date.now() + wait >= deadline) break;
    await sleep(wait);
  }
  return { department: null, decision: null, why, requestId };
}

function decided(answer) {
  try {
    const decision = JSON.parse(answer);
    // A department that this program does not know is for a person too.
    const routable = decision.needs_review === false && DEPARTMENTS.has(decision.department);
    const why = routable ? "decided" : decision.review_reasons.join(",") || "needs_review";
    const urgent = decision.urgent === true;
    return { department: routable ? decision.department : null, decision: answer, why, urgent };
  } catch {
    return { department: null, decision: null, why: "no_decision" };
  }
}

async function flush(path) {
  const handle = await open(path, "r");
  await handle.sync();
  await handle.close();
}

/** Write a file whole or not at all; after this it survives a loss of power. */
async function writeDurably(folder, name, content) {
  const fresh = join(folder, `.${name}.new`);
  const handle = await open(fresh, "w", 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, join(folder, name));
  await flush(folder);
}

/** The service that takes messages in: an HTTP server that has not begun to listen. */
export async function intake({ spool, url, timeoutMs, apiKey, log = console.log }) {
  const waiting = join(spool, "waiting");
  await mkdir(waiting, { recursive: true, mode: 0o700 });
  const pending = (await readdir(waiting)).filter((name) => !name.startsWith("."));
  let running = 0;

  async function settle(name) {
    const from = join(waiting, name);
    const message = await readFile(from, "utf8");
    // What the service knows this message by, today and after a crash.
    const key = createHash("sha256").update(`${name}\0${message}`).digest("hex");
    const outcome = await classify(message, { url, timeoutMs, key, apiKey });
    const place = outcome.department ? join("routed", outcome.department) : "person";
    const folder = join(spool, place);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (outcome.decision !== null) {
      await writeDurably(folder, name.replace(/\.json$/, ".decision.json"), outcome.decision);
    }
    // The message moves last: interrupted before, it is still waiting, and is asked under its key.
    await rename(from, join(folder, name));
    await flush(folder);
    log(`${name} ${outcome.requestId} ${place} ${outcome.why}${outcome.urgent ? " urgent" : ""}`);
  }

  // A few at once: a rush of citizens must not become a rush on the service.
  async function work() {
    if (running >= MOST_AT_ONCE) return;
    running += 1;
    for (let name; (name = pending.shift()) !== undefined; ) {
      try {
        await settle(name);
      } catch (error) {
        log(`${name} still waiting: ${error.code ?? error.name}`);
      }
    }
    running -= 1;
  }
  for (let n = 0; n < MOST_AT_ONCE; n += 1) void work();

  async function store(given) {
    const id = `wx-${randomUUID()}`;
    // Only what decides: no openid, no name, no telephone number. Keep those in your own database
    // under the receipt number.
    const message = { id, text: given.text, channel: "小程序", received_at: new Date().toISOString() };
    if (given.title) message.title = given.title;
    await writeDurably(waiting, `${id}.json`, JSON.stringify(message));
    pending.push(`${id}.json`);
    void work();
    return id;
  }

  return createServer(async (request, response) => {
    const answer = (status, value) => {
      response.writeHead(status, { "Content-Type": "application/json; charset=utf-8" });
      response.end(JSON.stringify(value));
    };
    // Check the mini-program's session here, as for every call from a mini-program.
    if (request.method !== "POST" || request.url !== "/messages") return answer(404, { code: "not_found" });
    try {
      const given = await read(request);
      if (given === undefined) return answer(413, { code: "too_long" });
      if (!acceptable(given)) return answer(422, { code: "invalid_message" });
      return answer(202, { id: await store(given) });
    } catch (error) {
      // Not stored: the mini-program must keep the text and let the citizen send it again.
      log(`not stored: ${error.code ?? error.name}`);
      return answer(error instanceof SyntaxError ? 400 : 503, { code: "not_stored" });
    }
  });
}

async function read(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    // What is too much is read and thrown away: the answer would not arrive otherwise.
    if (size <= MOST_BYTES) parts.push(part);
  }
  if (size > MOST_BYTES) return undefined;
  return JSON.parse(Buffer.concat(parts).toString("utf8"));
}

function acceptable(given) {
  const { text, title } = given ?? {};
  return (
    typeof text === "string" && text.trim() !== "" && [...text].length <= MOST_CHARS &&
    (title === undefined || title === null || (typeof title === "string" && [...title].length <= 1000))
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const server = await intake({
    spool: process.env.TRIAGE_SPOOL || "spool",
    url: (process.env.TRIAGE_URL || "http://127.0.0.1:8000").replace(/\/+$/, ""),
    timeoutMs: Number(process.env.TRIAGE_TIMEOUT_MS || 10_000),
    apiKey: process.env.TRIAGE_API_KEY,
  });
  const port = Number(process.env.PORT || 3000);
  server.listen(port, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
  process.on("SIGTERM", () => server.close());
}
