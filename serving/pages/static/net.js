// Asking the service: nothing that is shown is kept in the browser.
"use strict";

const Net = (() => {
  const PATIENT = new Set([408, 425, 429, 500, 502, 503, 504]);
  const PATIENCE = 30000;
  const WORDS = {
    unauthenticated: "登录已失效，请在新窗口登录后再试。",
    forbidden: "您没有权限这样做。",
    not_found: "这条留言不在了，或者不归您所在的部门办理。",
    conflict: "刚才已有人改动过。",
    password_change: "请先修改密码。",
    cross_site: "请从本站页面操作。",
    reused_id: "这个编号已用于另一个决定，请重新操作。",
    duplicate: "这个名字已经有了。",
  };

  // crypto.randomUUID needs HTTPS; these bytes do not.
  function uuid() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  async function ask(method, address, body, headers) {
    const given = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin" };
    if (body !== undefined) {
      given.body = JSON.stringify(body);
      given.headers["Content-Type"] = "application/json";
    }
    // A line that swallows everything gives no error; whoever waits for an answer must hear of it.
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    let answer;
    let text;
    try {
      answer = await fetch(address, { ...given, signal: stop.signal });
      text = await answer.text();
    } finally {
      clearTimeout(timer);
    }
    let told = null;
    try { told = text ? JSON.parse(text) : null; } catch { /* not JSON: the status says enough */ }
    return { status: answer.status, ok: answer.ok, told };
  }

  function pause(milliseconds) {
    return new Promise((done) => {
      const timer = setTimeout(finish, milliseconds);
      function finish() {
        clearTimeout(timer);
        removeEventListener("online", finish);
        done();
      }
      addEventListener("online", finish);
    });
  }

  // The same request again until there is an answer; it carries its own id, so that it counts once.
  async function insist(method, address, body, headers, waiting) {
    for (let tried = 1; ; tried += 1) {
      try {
        const answer = await ask(method, address, body, headers);
        if (!PATIENT.has(answer.status)) return answer;
      } catch (error) {
        if (!(error instanceof TypeError) && error.name !== "AbortError") throw error;
      }
      waiting(tried);
      await pause(Math.min(15000, 400 * 2 ** (tried - 1)));
    }
  }

  function why(answer) {
    const code = answer.told && answer.told.code;
    return WORDS[code] || (answer.told && answer.told.detail) || `出错了（${answer.status}）。`;
  }

  // A page that is closed before what it holds is saved asks first.
  function guard(unsaved) {
    addEventListener("beforeunload", (event) => {
      if (!unsaved()) return;
      event.preventDefault();
      event.returnValue = "1"; // browsers before 2023 ask only for this
    });
  }

  const person = (name) => name.replace(/^user:/, "");

  return { uuid, ask, insist, why, guard, person };
})();
