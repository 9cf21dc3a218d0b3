// One label for a whole issue, after a second question.
"use strict";

(() => {
  const form = document.getElementById("label");
  const state = document.getElementById("state");
  const sure = document.getElementById("sure");
  const urgent = document.getElementById("urgent");
  const reasons = Array.from(form.querySelectorAll("[name=reasons]"));
  let body = null;
  let pending = false;

  function say(text, kind) {
    state.textContent = text;
    state.className = `state ${kind || ""}`;
  }

  function show() {
    document.getElementById("reasons").hidden = !urgent.checked;
    for (const each of form.querySelectorAll(".option input")) each.closest(".option").classList.toggle("chosen", each.checked);
  }

  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = form.querySelector("[name=department]:checked");
    const named = urgent.checked ? reasons.filter((each) => each.checked) : [];
    if (urgent.checked && !named.length) return say("紧急须选一个理由。", "alarm");
    body = {
      id: Net.uuid(),
      department: chosen.value,
      urgent: urgent.checked,
      reasons: named.map((each) => each.value),
      note: document.getElementById("note").value.trim() || null,
    };
    document.getElementById("what").textContent = chosen.dataset.name + (urgent.checked ? "，紧急" : "");
    sure.showModal();
  });
  document.getElementById("no").addEventListener("click", () => sure.close());
  document.getElementById("yes").addEventListener("click", async () => {
    sure.close();
    say("正在保存…");
    pending = true;
    const answer = await Net.insist(
      "POST", `/v1/hot-issues/${form.dataset.cluster}/label`, body, {},
      (tried) => say(`连接中断，正在重试（第 ${tried} 次）。`, "alarm"),
    );
    pending = false;
    if (!answer.ok) return say(Net.why(answer), "alarm");
    say(`已保存 ${answer.told.labelled} 条${answer.told.skipped ? `，${answer.told.skipped} 条此前已办` : ""}${answer.told.conflicted ? `，${answer.told.conflicted} 条刚由别人决定` : ""}`, "good");
    setTimeout(() => location.reload(), 1200);
  });
  Net.guard(() => pending);
  show();
})();
