// The summary table: select rows, copy their links, and go through them by keyboard.

import { announce, copyText, linkCopied } from "./console.js";

const table = document.querySelector("[data-rows]");
const form = document.querySelector("[data-picked]");
const rows = table ? [...table.tBodies[0].rows] : [];
const tick = (row) => row.querySelector("input[name=number]");
const link = (row) => row.querySelector("[data-url]")?.href;
const picked = () => rows.filter((row) => tick(row).checked);

async function copy(urls, shown) {
  if (!urls.length) return;
  await copyText(urls.length > 1 ? urls.join("\n") + "\n" : urls[0]);
  linkCopied();
  shown.classList.add("is-copied");
  announce(form.querySelector("[data-copied]").dataset.copied);
  setTimeout(() => shown.classList.remove("is-copied"), 1500);
}

if (table) {
  const all = table.querySelector("[data-all]");
  const copyPicked = form.querySelector("[data-copy-picked]");
  const unpick = form.querySelector("[data-unpick]");
  const tell = () => {
    const number = picked().length;
    form.hidden = number === 0;
    form.querySelector("[data-count]").textContent = number;
    all.checked = number === rows.length;
    all.indeterminate = number > 0 && number < rows.length;
  };
  const pick = (some, is) => {
    for (const row of some) tick(row).checked = is;
    tell();
  };
  all.hidden = copyPicked.hidden = unpick.hidden = false;

  let last = null;
  table.addEventListener("click", (event) => {
    if (!event.target.matches("input[name=number]")) return;
    const here = rows.indexOf(event.target.closest("tr"));
    if (event.shiftKey && last !== null) {
      pick(rows.slice(Math.min(last, here), Math.max(last, here) + 1), event.target.checked);
    }
    last = here;
    tell();
  });
  all.addEventListener("change", () => pick(rows, all.checked));
  unpick.addEventListener("click", () => pick(rows, false));
  copyPicked.addEventListener("click", () => copy(picked().map(link).filter(Boolean), copyPicked));
  tell();
  window.addEventListener("pageshow", tell); // Back brings the ticks of before

  // Keys of one character can be switched off (WCAG 2.2, 2.1.4).
  const list = document.querySelector("[data-keys-list]");
  const on = list.querySelector("[data-keys-on]");
  on.checked = localStorage.getItem("keys") !== "off";
  on.addEventListener("change", () => localStorage.setItem("keys", on.checked ? "on" : "off"));
  document.querySelector("[data-keys-hint]").hidden = false;
  document.querySelector("[data-keys]").addEventListener("click", () => list.showModal());

  const title = (row) => row.querySelector(".c-title a");
  const move = (by) => {
    const here = rows.indexOf(document.activeElement.closest("tbody tr"));
    const next = rows[here < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, here + by))];
    title(next).focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    "/": () => document.getElementById("q").select(),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    c: () => {
      const row = document.activeElement.closest("tbody tr");
      const some = picked();
      if (some.length) copyPicked.click();
      else row?.querySelector("button.copy")?.click();
    },
    x: () => document.activeElement.closest("tbody tr") && tick(document.activeElement.closest("tr")).click(),
    "?": () => list.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea, [contenteditable]");
    if (!on.checked || list.open || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!(event.key in keys) || event.target.closest("details[open]")) return;
    event.preventDefault();
    keys[event.key]();
  });
}
