// The queue: N opens the next message.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && event.target.matches("input, select, textarea")) return;
  if (localStorage.getItem("single-keys") === "off") return;
  if (event.key.toLowerCase() === "n") document.getElementById("next").click();
});
