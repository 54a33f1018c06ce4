// The pages of one connector: pick lines to copy, search as one chooses, and follow what runs.

import { announce, copyText, enhance, locale } from "./console.js";

const table = document.querySelector("[data-lines]");
if (table) {
  const all = table.querySelector("[data-all]");
  const picks = [...table.querySelectorAll("[data-pick]")];
  const bar = document.querySelector("[data-selected]");
  const copy = document.querySelector("[data-copy-selected]");

  const picked = () => picks.filter((each) => each.checked);
  const tell = () => {
    const number = picked().length;
    bar.hidden = number === 0;
    bar.querySelector("[data-count]").textContent = number;
    all.checked = number > 0 && number === picks.length;
    all.indeterminate = number > 0 && number < picks.length;
  };

  for (const each of picks) each.hidden = false;
  all.hidden = picks.length === 0;
  let last = null;
  table.addEventListener("click", (event) => {
    if (!event.target.matches("[data-pick]")) return;
    const here = picks.indexOf(event.target);
    if (event.shiftKey && last !== null) {
      const [from, to] = [Math.min(last, here), Math.max(last, here)];
      for (const each of picks.slice(from, to + 1)) each.checked = event.target.checked;
    }
    last = here;
    tell();
  });
  all.addEventListener("change", () => {
    for (const each of picks) each.checked = all.checked;
    tell();
  });
  copy.addEventListener("click", async () => {
    const urls = picked().map((each) => each.closest("tr").querySelector("[data-url]").href);
    await copyText(urls.join("\n") + "\n");
    copy.classList.add("is-copied");
    announce(copy.dataset.copied);
    setTimeout(() => copy.classList.remove("is-copied"), 1500);
  });
  tell(); // the browser may have kept the ticks of before
}

// Where there is little room the day is enough.
const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
for (const time of document.querySelectorAll(".day time")) {
  time.title = time.textContent;
  time.textContent = day.format(new Date(time.dateTime));
}

for (const form of document.querySelectorAll("[data-filters]")) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("select, input[type=checkbox]")) form.requestSubmit();
  });
  // Fields that narrow nothing stay out of the address.
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
    setTimeout(() => { for (const field of form.elements) field.disabled = false; });
  });
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// What runs is followed by loading the page anew, and showing what is new of the part that moves.
async function follow(part) {
  await new Promise((done) => setTimeout(done, Number(part.dataset.live)));
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected) return location.reload();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.getElementById(part.id);
      if (answer.ok && next) {
        if ("whole" in part.dataset && !("whole" in next.dataset)) return location.reload();
        const focused = part.contains(document.activeElement) && document.activeElement.id;
        const fresh = document.importNode(next, true);
        part.replaceWith(fresh);
        enhance(fresh);
        if (focused) document.getElementById(focused)?.focus();
        part = fresh;
      }
    } catch { /* the connector restarts; the next time it may answer */ }
  }
  if ("live" in part.dataset) follow(part);
}
const live = document.querySelector("[data-live]");
if (live) follow(live);
