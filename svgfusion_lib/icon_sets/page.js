"use strict";
const command = document.querySelector(".command code");
const copy = document.querySelector(".command button");
const folder = document.body.dataset.folder;

function quoted(text) {
  return /^[\w./-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\\''") + "'";
}

function show() {
  const swapped = [];
  for (const card of document.querySelectorAll("section")) {
    const pressed = card.querySelector('[aria-pressed="true"]');
    const isSwapped = pressed.dataset.number !== card.dataset.chosen;
    card.querySelector(".near").style.visibility = isSwapped ? "hidden" : "";
    if (isSwapped) swapped.push(card.dataset.name + "=" + pressed.dataset.number);
  }
  copy.hidden = swapped.length === 0;
  command.textContent = swapped.length
    ? "svgfusion set --output_dir " + quoted(folder) + " --swap " + swapped.join(" ")
    : "No changes yet.";
}

document.querySelector("main").addEventListener("click", (event) => {
  const button = event.target.closest(".others button");
  if (!button) return;
  const card = button.closest("section");
  for (const each of card.querySelectorAll(".others button")) each.setAttribute("aria-pressed", String(each === button));
  card.querySelector(".large").src = button.querySelector("img").src;
  show();
});

copy.addEventListener("click", () => navigator.clipboard.writeText(command.textContent));

const sizes = document.querySelector(".sizes");
for (const size of [16, 24, 48, 96]) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = size + " px";
  button.setAttribute("aria-pressed", String(size === 96));
  button.addEventListener("click", () => {
    for (const each of sizes.children) each.setAttribute("aria-pressed", String(each === button));
    for (const each of document.querySelectorAll(".large")) each.width = each.height = size;
  });
  sizes.append(button);
}
