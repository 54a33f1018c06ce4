// The set-up of connectors: a page that changes in place, and addresses that follow the typing.

import { announce, enhance } from "./console.js";

let busy = 0;

function formState(form, submitter) {
  const data = new FormData(form);
  if (submitter?.name) data.append(submitter.name, submitter.value);
  data.delete("csrf");
  return new URLSearchParams(data).toString();
}

// Asks for the page as the form stands, and puts its new content in place of the old.
async function look(form, submitter) {
  const turn = ++busy;
  const action = form.method === "post" ? "/connectors/new/review" : form.action;
  const asked = formState(form, submitter);
  const response = await fetch(`${action}?${asked}`, { headers: { Accept: "text/html" } });
  const text = await response.text();
  if (turn !== busy || formState(form, submitter) !== asked) return false;
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("step");
  if (!fresh) return false;
  const here = document.activeElement;
  const place = here?.id;
  const at = here?.selectionStart;
  document.getElementById("step").replaceWith(fresh);
  history.replaceState(null, "", response.url);
  enhance(fresh);
  if (place) {
    const there = document.getElementById(place);
    there?.focus();
    if (there?.setSelectionRange && at !== null && at !== undefined && there.type !== "number") {
      there.setSelectionRange(at, at);
    }
  }
  begin();
  return true;
}

function lookButton() {
  const button = document.createElement("button");
  button.name = "go";
  button.value = "look";
  return button;
}

let searching;

document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.matches("[data-search]")) {
    clearTimeout(searching);
    searching = setTimeout(() => look(field.form, lookButton()), 250);
  }
  if (field.id === "slug" || field.id === "host") follow(field.form);
  if (field.id === "slug") suggest(field);
  if (field.id === "by" || field.id === "key") showPattern(field.form);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.toggle");
  if (!button) return;
  event.preventDefault();
  look(button.form, button);
});

// What is typed as a name becomes one that can stand in an address, by the rule of suggested_slug.
function slugOf(name) {
  return name.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase()
    .replace(/[^a-z0-9]+/g, "-").slice(0, 63).replace(/^-+|-+$/g, "");
}

function suggest(field) {
  const place = document.getElementById("slug-becomes");
  const slug = slugOf(field.value);
  place.hidden = !slug || slug === field.value.trim();
  place.querySelector("code").textContent = slug;
}

document.addEventListener("change", (event) => {
  const field = event.target;
  if (field.id !== "slug" || !slugOf(field.value)) return;
  field.value = slugOf(field.value);
  suggest(field);
  follow(field.form);
});

// The beginning of every address on the page, as the fields have it now.
function follow(form) {
  const { base, scheme, port } = form.dataset;
  if (!base) return;
  const host = form.elements.host?.value.trim().toLowerCase();
  const slug = form.dataset.slug || slugOf(form.elements.slug?.value ?? "") || "\u2026";
  const root = host ? `${scheme}://${host}${port}` : `${base}/${slug}`;
  for (const place of form.querySelectorAll("[data-root]")) place.textContent = root;
}

// The address that the chosen identifier makes, as the server has rendered it for each.
function showPattern(form) {
  const place = form.querySelector("[data-pattern-here]");
  const chosen = form.elements.by.value;
  const fitting = [...form.querySelectorAll("template[data-pattern]")].find((each) => each.dataset.pattern === chosen);
  if (!place || !fitting) return;
  place.replaceChildren(fitting.content.cloneNode(true));
  const key = form.elements.key.value.trim();
  if (chosen === "other" && key) place.querySelector(".part.content").textContent = `{${key}}`;
  follow(form);
}

// While a folder is being counted the page is asked for again and again.
async function watch(counting) {
  const form = counting.closest("form");
  const typing = ["INPUT", "SELECT"].includes(document.activeElement?.tagName)
    && !["radio", "checkbox"].includes(document.activeElement.type);
  if (!typing) await look(form, lookButton()).catch(() => {});
  const still = document.querySelector("[data-counting]");
  if (still) setTimeout(() => watch(still), 1000);
  else announce(counting.dataset.done);
}

let watching = false;

function begin() {
  const counting = document.querySelector("[data-counting]");
  if (counting && !watching) {
    watching = true;
    setTimeout(() => watch(counting), 800);
  }
  if (!counting) watching = false;
}

begin();
for (const form of document.querySelectorAll("form[data-base]")) follow(form);
