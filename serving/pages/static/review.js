// One decision on one screen, by keys.
"use strict";

(() => {
  const form = document.getElementById("decide");
  const state = document.getElementById("state");
  const note = document.getElementById("note");
  const urgent = document.getElementById("urgent");
  const group = document.getElementById("reasons");
  const help = document.getElementById("help");
  const conflict = document.getElementById("conflict");
  const single = document.getElementById("single-keys");
  const departments = Array.from(form.querySelectorAll("[name=department]"));
  const reasons = Array.from(form.querySelectorAll("[name=reasons]"));
  const DEEP = 10;
  const steps = [];
  let version = Number(form.dataset.version);
  let pending = false;
  let leaving = false;

  function say(text, kind) {
    state.textContent = text;
    state.className = `state ${kind || ""}`;
  }

  function taken() {
    const chosen = departments.find((each) => each.checked);
    return {
      department: chosen ? chosen.value : "",
      urgent: urgent.checked,
      reasons: reasons.filter((each) => each.checked).map((each) => each.value),
    };
  }

  function put(label) {
    for (const each of departments) each.checked = each.value === label.department;
    for (const each of reasons) each.checked = label.reasons.includes(each.value);
    urgent.checked = label.urgent;
    show();
  }

  function show() {
    group.hidden = !urgent.checked;
    for (const each of [...departments, urgent, ...reasons]) {
      const line = each.closest(".option");
      line.classList.toggle("chosen", each.checked);
      line.classList.toggle("alarm", each.type === "checkbox");
    }
  }

  let before = taken();
  function step() {
    steps.push(before);
    if (steps.length > DEEP) steps.shift();
    before = taken();
    say("");
    show();
  }

  function choose(element) {
    if (element.type === "radio" && element.checked) return;
    element.checked = !element.checked;
    step();
  }

  function words(label) {
    const name = (value) => {
      const found = [...departments, ...reasons].find((each) => each.value === value);
      return found ? found.dataset.name : value;
    };
    const whole = name(label.department);
    return label.urgent ? `${whole}，紧急（${label.reasons.map(name).join("、")}）` : whole;
  }

  function label() {
    const given = taken();
    return given.urgent ? given : { ...given, reasons: [] };
  }

  function busy(now) {
    pending = now;
    for (const each of form.querySelectorAll("button, input, textarea")) each.disabled = now;
  }

  async function save() {
    if (pending || leaving) return;
    const given = label();
    if (!given.department) return say("请先选部门。", "alarm");
    if (given.urgent && !given.reasons.length) return say("紧急须选一个理由。", "alarm");
    const body = { id: Net.uuid(), ...given, note: note.value.trim() || null };
    busy(true);
    say("正在保存…");
    const answer = await Net.insist(
      "POST", `/v1/reviews/${form.dataset.message}`, body, { "If-Match": `"${version}"` },
      (tried) => say(`连接中断，正在重试（第 ${tried} 次），请不要关闭本页。`, "alarm"),
    );
    busy(false);
    if (answer.ok) {
      say("已保存", "good");
      leave(form.dataset.next);
    } else if (answer.status === 412) {
      differ(given, answer.told);
    } else if (answer.status === 404) {
      say("这条留言刚才已转由别的部门办理，您的决定没有保存。", "alarm");
    } else {
      say(Net.why(answer), "alarm");
    }
  }

  function leave(address) {
    leaving = true; // no key counts twice while the next page loads
    location.assign(address);
  }

  function differ(given, now) {
    const last = now.latest;
    document.getElementById("mine").textContent = words(given);
    document.getElementById("theirs").textContent = last ? words(last.label) : "已改动";
    document.getElementById("theirs-by").textContent = last ? by(last) : "";
    conflict.dataset.version = now.version;
    say("这条留言刚才已有人决定，请选择。", "alarm");
    conflict.showModal();
    // Not on a button: a second Enter must not choose before anybody has read.
    document.getElementById("conflict-title").focus();
  }

  function by(made) {
    const at = new Date(made.at).toLocaleString("zh-CN", { timeZone: "Asia/Shanghai" });
    const kind = { undo: "撤销" }[made.kind] || "决定";
    return `${Net.person(made.actor)} ${kind}于 ${at}${made.note ? `，备注：${made.note}` : ""}`;
  }

  async function undo() {
    if (pending || leaving) return;
    if (steps.length) {
      before = steps.pop();
      put(before);
      return say("已撤销本页的一步改动。");
    }
    if (note.value.trim()) return say("备注还没有保存：请先确认，或者清空备注再撤销。", "alarm");
    if (!form.dataset.undoable) return say("没有可以撤销的决定。");
    busy(true);
    say("正在撤销…");
    const answer = await Net.insist(
      "POST", "/v1/reviews/undo", { id: Net.uuid(), undoes: form.dataset.undoable }, {},
      (tried) => say(`连接中断，正在重试（第 ${tried} 次）。`, "alarm"),
    );
    busy(false);
    if (answer.status === 412) form.dataset.undoable = "";
    if (!answer.ok) return say(answer.status === 412 ? "这个决定之后已有人改动，不能撤销。" : Net.why(answer), "alarm");
    say("已撤销", "good");
    leave(`/messages/${answer.told.message_id}?${form.dataset.queue}`);
  }

  function toggleHelp() {
    if (help.open) help.close(); else help.showModal();
  }

  const isField = (element) => element.matches("textarea, select, input:not([type=radio]):not([type=checkbox])");

  function pressed(event) {
    // Keys of an input method belong to it, until it is done.
    if (event.isComposing || event.keyCode === 229 || event.defaultPrevented || event.repeat) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (target === note) {
      if (event.key === "Escape") note.blur();
      else if (event.key === "Enter" && event.ctrlKey) { event.preventDefault(); save(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isField(target) || conflict.open) return;
    if (event.key === "?" || event.key === "？") { event.preventDefault(); return toggleHelp(); }
    if (help.open || pending || leaving) return;
    if (event.key === "Enter") {
      if (target.closest("a, button, summary")) return;
      event.preventDefault();
      return save();
    }
    if (!single.checked) return;
    const key = event.key.toLowerCase();
    const number = "12345".indexOf(key);
    if (key.length === 1 && number >= 0) choose(departments[number]);
    else if (key === "u") choose(urgent);
    else if (key === "z") undo();
    else if (key === "n") note.focus();
    else {
      const reason = urgent.checked && reasons.find((each) => each.dataset.key === key);
      if (!reason) return;
      choose(reason);
    }
    event.preventDefault();
  }

  async function tell(button) {
    button.disabled = true;
    const shown = document.getElementById("told");
    const answer = await Net.insist(
      "POST", `/v1/messages/${form.dataset.message}/replies`, { kind: button.dataset.told }, {},
      () => { shown.textContent = "连接中断，正在重试…"; },
    );
    button.disabled = false;
    if (!answer.ok) { shown.textContent = Net.why(answer); return; }
    shown.textContent = "已记录。";
    button.hidden = true;
  }

  async function reveal(button) {
    const shown = document.getElementById("revealed");
    button.disabled = true;
    let answer;
    try {
      answer = await Net.ask("POST", `/v1/messages/${form.dataset.message}/reveal`);
    } catch {
      button.disabled = false;
      shown.textContent = "连接中断，请再试。";
      return;
    }
    if (!answer.ok) { button.disabled = false; shown.textContent = Net.why(answer); return; }
    for (const field of document.querySelectorAll("[data-field]")) {
      const whole = Array.from(answer.told[field.dataset.field] || "");
      for (const each of field.querySelectorAll("[data-at]")) {
        const at = Number(each.dataset.at);
        each.textContent = whole.slice(at, at + Array.from(each.textContent).length).join("");
      }
    }
    for (const each of document.querySelectorAll("[data-note]")) {
      const made = answer.told.history[Number(each.dataset.note)];
      if (made && made.note) each.textContent = made.note;
    }
    for (const each of document.querySelectorAll("[data-attachment]")) {
      const sent = answer.told.attachments[Number(each.dataset.attachment)];
      if (sent) each.textContent = sent.name;
    }
    button.hidden = true;
    shown.textContent = "已显示，并记入审计。";
  }

  form.addEventListener("change", (event) => { if (event.target !== note) step(); });
  form.addEventListener("submit", (event) => { event.preventDefault(); save(); });
  document.addEventListener("keydown", pressed);
  document.getElementById("undo").addEventListener("click", undo);
  document.getElementById("help-open").addEventListener("click", toggleHelp);
  document.getElementById("keep-theirs").addEventListener("click", () => leave(form.dataset.next));
  document.getElementById("look-again").addEventListener("click", () => leave(location.href));
  document.getElementById("keep-mine").addEventListener("click", () => {
    version = Number(conflict.dataset.version);
    conflict.close();
    save();
  });
  for (const button of document.querySelectorAll("[data-told]")) button.addEventListener("click", () => tell(button));
  const revealing = document.getElementById("reveal");
  if (revealing) revealing.addEventListener("click", () => reveal(revealing));
  // A preference, and all that is kept in the browser.
  single.checked = localStorage.getItem("single-keys") !== "off";
  single.addEventListener("change", () => localStorage.setItem("single-keys", single.checked ? "on" : "off"));
  Net.guard(() => pending || (!leaving && note.value.trim()));
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  show();
})();
