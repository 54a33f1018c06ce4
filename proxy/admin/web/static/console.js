// On every page: copy buttons, times in the reader's own zone, and the focus on what went wrong.

export function announce(text) {
  const place = document.getElementById("announce");
  if (place) place.textContent = text;
}

export function csrfToken() {
  return document.querySelector('meta[name="csrf"]').content;
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyBySelection(text);
  }
}

// With the first link the check-list of a new installation is over: it says so, and does not return.
export async function linkCopied() {
  const list = document.querySelector("[data-first-steps]:not(.is-over)");
  if (!list) return;
  const form = list.querySelector("form");
  const body = new URLSearchParams(new FormData(form));
  // Not kept, it is over with the next link: no copy fails for it.
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => null);
  if (answer?.type !== "opaqueredirect" || list.matches(".is-over")) return; // a second copy beat this
  list.classList.add("is-over");
  list.querySelector("ol").remove();
  list.querySelector(".first-steps-title").textContent = list.dataset.done;
}

async function copy(button) {
  await copyText(button.dataset.copy);
  if (button.closest(".link, .url, .snippets")) linkCopied();
  button.classList.add("is-copied");
  announce(button.dataset.copied);
  setTimeout(() => button.classList.remove("is-copied"), 1500);
}

// navigator.clipboard exists over HTTPS and on loopback only.
function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("readonly", "");
  area.className = "hidden";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

// The page's language, in the reader's own kind of it: "19:10" or "7:10 PM".
const { lang } = document.documentElement;
export const locale = navigator.languages.find((each) => each.startsWith(`${lang}-`)) ?? document.body.dataset.locale;

export function enhance(root) {
  for (const button of root.querySelectorAll("button.copy")) button.hidden = false;
  const format = new Intl.DateTimeFormat(locale, {
    dateStyle: "medium", timeStyle: "short",
  });
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title ||= time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.copy");
  if (button) copy(button);
});

enhance(document);
document.getElementById("problems")?.focus();
