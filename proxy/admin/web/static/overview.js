// The overview, kept up to date by server-sent events while it can be seen; honest when they fail.
import { announce, locale } from "./console.js";

const LATE_MS = 5000;
const LONGEST_WAIT_MS = 30000;

const live = document.getElementById("live");
const filter = document.getElementById("filter");
const ago = new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "long" });
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
const minute = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });

let source = null;
let heard = null; // when the server last told something, by this machine's clock
let lag = 0; // this machine's clock less the server's
let state = "";
let again = 0;
let wait = 1000;

// The page's own text stays where it is the same, and with it focus, selection and what is open.
function morph(place, wanted) {
  const keyed = new Map();
  for (const child of place.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  let here = place.firstChild;
  for (const next of [...wanted.childNodes]) {
    const key = next.dataset?.key;
    const known = key ? keyed.get(key) : here && !here.dataset?.key ? here : null;
    if (known && known.nodeName === next.nodeName) {
      if (known === here) here = here.nextSibling;
      else place.insertBefore(known, here);
      become(known, next);
    } else {
      place.insertBefore(next, here);
    }
  }
  while (here) {
    const gone = here;
    here = here.nextSibling;
    gone.remove();
  }
}

function become(known, next) {
  if (known.nodeType !== Node.ELEMENT_NODE) {
    if (known.data !== next.data) known.data = next.data;
    return;
  }
  for (const { name, value } of next.attributes) {
    if (known.getAttribute(name) !== value) known.setAttribute(name, value);
  }
  for (const { name } of [...known.attributes]) {
    if (!next.hasAttribute(name) && !(name === "open" && known.nodeName === "DETAILS") && name !== "title") known.removeAttribute(name);
  }
  if (known.nodeName !== "TIME") morph(known, next);
}

function show(parts) {
  for (const [name, html] of Object.entries(parts)) {
    const wanted = document.createElement("template");
    wanted.innerHTML = html;
    morph(document.querySelector(`[data-part="${name}"]`), wanted.content);
  }
  tellTimes();
}

function tellTimes() {
  const now = Date.now() - lag;
  for (const time of document.querySelectorAll("time[data-age], time[data-clock], time[data-minute]")) {
    const at = new Date(time.dateTime);
    const format = "clock" in time.dataset ? clock : "minute" in time.dataset ? minute : null;
    const text = format ? format.format(at) : since((at - now) / 1000);
    if (time.textContent !== text) time.textContent = text;
    const title = moment.format(at);
    if (time.title !== title) time.title = title;
  }
}

function since(seconds) {
  const far = Math.abs(seconds);
  if (far < 60) return ago.format(Math.trunc(seconds), "second");
  if (far < 3600) return ago.format(Math.trunc(seconds / 60), "minute");
  if (far < 86400) return ago.format(Math.trunc(seconds / 3600), "hour");
  return ago.format(Math.trunc(seconds / 86400), "day");
}

function say(next) {
  const { live: good, late, waiting, paused } = live.dataset;
  const time = heard ? clock.format(heard) : "";
  const text = { live: good, late: late.replace("{time}", time), waiting, paused }[next];
  live.hidden = false;
  live.className = `live is-${next}`;
  live.firstElementChild.textContent = text;
  document.documentElement.classList.toggle("is-late", next === "late");
  document.getElementById("reload").hidden = next === "live" || next === "paused";
  if (next === "late" && state !== "late") announce(text);
  if (next === "live" && state === "late") announce(good);
  state = next;
}

function connect() {
  clearTimeout(again);
  source?.close();
  source = new EventSource(`/events${location.search}`);
  source.addEventListener("news", (event) => {
    const { at, parts } = JSON.parse(event.data);
    heard = Date.now();
    lag = heard - new Date(at);
    wait = 1000;
    show(parts);
    say("live");
  });
  source.addEventListener("signed-out", () => location.reload());
  source.addEventListener("error", () => {
    if (state === "live") say("waiting");
    // The browser asks again by itself, unless it was refused.
    if (source.readyState !== EventSource.CLOSED) return;
    again = setTimeout(connect, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  });
}

function pause() {
  clearTimeout(again);
  source?.close();
  source = null;
  say("paused");
}

function look() {
  if (document.hidden) return pause();
  say("waiting");
  heard ??= Date.now();
  connect();
}

setInterval(() => {
  if (document.hidden) return;
  tellTimes();
  if (Date.now() - heard > LATE_MS) say("late");
}, 1000);

document.addEventListener("visibilitychange", look);
// A page that the browser keeps to come back to would hold its connection.
window.addEventListener("pagehide", () => source?.close());
window.addEventListener("pageshow", (event) => event.persisted && look());

// What is looked for stands in the address, and the stream is asked for no more than that.
function sift() {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(filter)) if (value) asked.set(name, value);
  const query = asked.toString();
  history.replaceState(null, "", query ? `/?${query}` : "/");
  if (!document.hidden) connect();
}

let typed = 0;
filter.querySelector("button").hidden = true;
filter.addEventListener("submit", (event) => {
  event.preventDefault();
  sift();
});
filter.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(sift, 250);
});

tellTimes();
look();
