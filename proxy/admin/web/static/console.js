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

async function copy(button) {
  await copyText(button.dataset.copy);
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
