// The forms about people, over /v1/users.
"use strict";

(() => {
  const state = document.getElementById("state");
  const sure = document.getElementById("sure");
  const secret = document.getElementById("secret");
  const path = (name) => `/v1/users/${encodeURIComponent(name)}`;

  function say(text, alarm) {
    state.textContent = text;
    state.hidden = false;
    state.classList.toggle("alarm", Boolean(alarm));
  }

  function duties(form) {
    return {
      role: form.elements.role.value,
      departments: Array.from(form.querySelectorAll("[name=departments]:checked"), (each) => each.value),
    };
  }

  function asked(question) {
    document.getElementById("what").textContent = question;
    sure.showModal();
    return new Promise((answer) => {
      document.getElementById("yes").onclick = () => { sure.close("yes"); };
      document.getElementById("no").onclick = () => { sure.close("no"); };
      sure.onclose = () => answer(sure.returnValue === "yes");
      sure.returnValue = "no";
    });
  }

  async function ask(method, address, body) {
    let answer;
    try {
      answer = await Net.ask(method, address, body);
    } catch {
      say("连接中断，请再试。", true);
      return null;
    }
    if (answer.ok) return answer;
    say(Net.why(answer), true);
    return null;
  }

  function tell(name, password) {
    document.getElementById("secret-for").textContent = name;
    document.getElementById("secret-text").textContent = password;
    secret.showModal();
    secret.onclose = () => {
      document.getElementById("secret-text").textContent = "";
      location.reload();
    };
  }
  document.getElementById("secret-done").onclick = () => secret.close();

  document.querySelector("[data-add]").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const name = form.elements.name.value.trim();
    const shown = form.elements.shown.value.trim();
    const answer = await ask("POST", "/v1/users", { name, ...(shown ? { shown } : {}), ...duties(form) });
    if (answer) tell(name, answer.told.password);
  });
  for (const form of document.querySelectorAll("[data-change]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await ask("PATCH", path(form.dataset.change), duties(form))) say(`已保存：${form.dataset.change}。此人须重新登录。`);
    });
  }
  for (const button of document.querySelectorAll("[data-reset]")) {
    button.addEventListener("click", async () => {
      const name = button.dataset.reset;
      if (!await asked(`重设 ${name} 的密码？此人会被退出，须用新密码登录。`)) return;
      const answer = await ask("PATCH", path(name), { reset: true });
      if (answer) tell(name, answer.told.password);
    });
  }
  for (const button of document.querySelectorAll("[data-active]")) {
    button.addEventListener("click", async () => {
      const { name } = button.dataset;
      const active = button.dataset.active === "true";
      if (!active && !await asked(`停用 ${name}？此人不能再登录，记录保留。`)) return;
      if (await ask("PATCH", path(name), { active })) location.reload();
    });
  }
})();
