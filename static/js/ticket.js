/**
 * A citizen's own page: it stays where it is, and its middle is fetched again when something changed.
 *
 * The server writes the words; this only decides when to ask for them. A page that navigates to be
 * fresh would end on the browser's own error page as soon as the line is gone.
 */

import { say } from "./dom.js";
import { Live, PHONE_QUIET_S } from "./live.js";

/** Everybody who waits moves up at the same moment: they ask spread over this long. A call does not wait. */
const SPREAD_MS = 1000;
const AGAIN_MS = 2000;
const ANSWER_MS = 8000;
const CALLED_MS = [400, 200, 400];
const OVER = ["served", "left", "not-served"];

const words = {
  old: (age) => `Wat u ziet is ${age} oud. Zodra er weer verbinding is, vernieuwt deze pagina vanzelf.`,
  seconds: (seconds) => `${seconds} seconden`,
  minutes: (minutes) => (minutes === 1 ? "1 minuut" : `${minutes} minuten`),
};

const main = document.querySelector("main");
const part = (id) => document.getElementById(id);
/** What the page shows of a view, in the order of the template. */
const shownOf = ({ status, ahead, low_s, high_s, counter, call }) => [status, ahead, low_s, high_s, counter, call];

/** The view that the glass does not show yet. */
let wanted = null;
let called = JSON.parse(main.dataset.view)[5];
let timer = 0;
let asking = false;

const live = new Live(`visits/${location.pathname.split("/").pop()}`, {
  quiet_s: PHONE_QUIET_S,
  view: ({ view }) => {
    if (view.status === "called" && view.call !== called) navigator.vibrate?.(CALLED_MS);
    called = view.call;
    if (!asking && JSON.stringify(JSON.parse(main.dataset.view)) === JSON.stringify(shownOf(view))) return;
    wanted = view;
    plan();
  },
  changed: () => {
    if (live.link === "refused" && live.refusal === 4404) end();
    age();
  },
});

function plan(again = false) {
  clearTimeout(timer);
  const spread = wanted.status === "called" ? 0 : Math.random() * SPREAD_MS;
  timer = setTimeout(renew, again ? AGAIN_MS + spread : spread);
}

/** Fetch the page once for each view that differs; until it succeeds, for as long as the page lives. */
async function renew() {
  if (asking || !wanted) return;
  asking = true;
  const asked = wanted;
  const page = await ask();
  asking = false;
  if (page?.ok) show(page);
  if (page?.ok && wanted === asked) wanted = null;
  if (wanted) plan(!page?.ok);
}

async function ask() {
  try {
    const response = await fetch(location.href, {
      cache: "no-store",
      headers: { Accept: "text/html" },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return { ok: response.ok, status: response.status, text: await response.text() };
  } catch {
    return null;
  }
}

function show({ text }) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const before = main.querySelector(".says")?.textContent;
  const fresh = page.querySelector("main");
  if (!fresh) return;
  if (fresh.dataset.view) main.dataset.view = fresh.dataset.view;
  main.replaceChildren(...fresh.childNodes);
  document.title = page.title;
  const says = main.querySelector(".says")?.textContent ?? "";
  if (says !== before) say(part("spoken"), says);
}

/** The ticket is not of today any more: the last word on it, then silence. */
async function end() {
  live.stop();
  clearTimeout(timer);
  wanted = null;
  part("renews").hidden = true;
  if (OVER.includes(JSON.parse(main.dataset.view)[0])) return;
  const page = await ask();
  if (page?.ok || page?.status === 404) show(page);
}

/** Say quietly how old the picture is, once it is too old to trust. */
function age() {
  const silence = live.silence();
  part("age").hidden = live.link === "refused" || silence <= PHONE_QUIET_S;
  if (part("age").hidden) return;
  const minutes = Math.floor(silence / 60);
  say(part("age"), words.old(minutes ? words.minutes(minutes) : words.seconds(Math.floor(silence / 5) * 5)));
}

setInterval(age, 1000);
