// Who opens a message has it: shown, renewed while it is looked at, given back by leaving.
"use strict";

(() => {
  const form = document.getElementById("decide");
  const shown = document.getElementById("lease");
  if (form.dataset.own !== "1") return;
  const address = `/v1/reviews/${form.dataset.message}/lease`;
  const LEASE = 300000;
  let until = Date.now() + Number(form.dataset.seconds) * 1000;
  let active = Date.now();
  let other = "";

  function tell() {
    const left = Math.max(0, Math.round((until - Date.now()) / 1000));
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    shown.textContent = other ? `${other} 正在处理` : left ? `由您处理，剩余 ${clock}` : "占用已过期，别人可能正在处理";
  }

  async function renew() {
    try {
      const answer = await Net.ask("POST", address);
      if (!answer.ok) return;
      other = answer.told.holder === form.dataset.who ? "" : Net.person(answer.told.holder);
      if (!other) until = Date.now() + LEASE;
      tell();
    } catch { /* no connection: the clock goes on and says so */ }
  }

  for (const kind of ["keydown", "pointerdown", "scroll"]) {
    addEventListener(kind, () => { active = Date.now(); }, { passive: true });
  }
  setInterval(tell, 1000);
  setInterval(() => {
    // Whoever went away without closing the page does not keep it from others.
    if (!document.hidden && Date.now() - active < 240000) renew();
  }, 60000);
  addEventListener("pagehide", () => {
    fetch(address, { method: "DELETE", keepalive: true, credentials: "same-origin" }).catch(() => {});
  });
  // The page before, which a reload has left, gives the lease back after this one has taken it.
  setTimeout(renew, 1000);
  tell();
})();
