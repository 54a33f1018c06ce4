// The pages of one connector: search as one chooses, and follow what runs.

import { enhance, locale } from "./console.js";

// Where there is little room the day is enough.
const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
for (const time of document.querySelectorAll(".day time, time.day")) {
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
        // The whole page is new, unless somebody is in the middle of something.
        const isBusy = document.activeElement.matches("input") || document.querySelector("[data-picked]:not([hidden])");
        if ("whole" in part.dataset && !("whole" in next.dataset) && !isBusy) return location.reload();
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
