/**
 * A citizen's own page: it stays where it is, and its middle is fetched again when something changed.
 *
 * The server writes the words; this only decides when to ask for them. A page that navigates to be
 * fresh would end on the browser's own error page as soon as the line is gone.
 */

import { Chime } from "./chime.js";
import { HouseClock } from "./clock.js";
import { say } from "./dom.js";
import { LOST_S, Live, PHONE } from "./live.js";
import { offerPush } from "./push.js";
import { takeRatings } from "./rating.js";
import { _, ngettext } from "./words.js";
import "./shell.js";

/** Everybody who waits moves up at the same moment: they ask spread over this long. A call does not wait. */
const SPREAD_MS = 1000;
const AGAIN_MS = 2000;
const ANSWER_MS = 8000;
const CALLED_MS = [400, 200, 400];
/** A call that gets here later than this is shown in silence: staff have spoken by then. */
const TOO_LATE_S = LOST_S;
const OVER = ["served", "left", "not-served"];

const main = document.querySelector("main");
const part = (id) => document.getElementById(id);
/** What the page shows of a view, in the order of the template. */
const shownOf = ({ status, ahead, low_s, high_s, counter, call, house }) => [
  ...[status, ahead, low_s, high_s, counter, call],
  house.state,
];
const held = () => JSON.parse(main.dataset.view);

/** When this phone kept the page that it shows now, where it comes from the phone itself (ms since 1970). */
const kept = Number(document.documentElement.dataset.kept ?? 0);

const clock = new HouseClock();
/** The view that the glass does not show yet. */
let wanted = null;
/** Calls that are not news here: what the page came with, and what was announced before it was loaded anew. */
const known = new Set([held()[5], remembered()]);
let called = held()[5];
let heard = false;
let timer = 0;
let asking = false;
let leaving = false;

const chime = new Chime({
  on: true,
  still: (call) => call === called,
  ring: () => navigator.vibrate?.(CALLED_MS),
  changed: () => offerSound(),
});

const live = new Live(`visits/${location.pathname.split("/")[2]}`, {
  ...PHONE,
  beat: (frame) => {
    clock.set(frame.at, frame.view?.house);
    heard = true;
  },
  view: ({ view }) => {
    called = view.call;
    if (view.status === "called" && !known.has(called)) {
      known.add(called);
      if (clock.realSince(view.called_at) < TOO_LATE_S) announce();
    }
    if (!asking && JSON.stringify(held()) === JSON.stringify(shownOf(view))) return;
    wanted = view;
    plan();
  },
  changed: () => {
    if (live.link === "refused" && live.refusal === 4404) end();
    // There is a line again: what did not get through may be tried again, and need not be read any more.
    if (live.link === "live" && part("told").textContent === notSent()) say(part("told"), "");
    age();
  },
});

const notSent = () => _("That did not get through. Try again.");

function announce() {
  try {
    sessionStorage.setItem("announced", called);
  } catch {
    // A browser that keeps nothing announces again after a reload; better than not at all.
  }
  chime.announce([called]);
}

function remembered() {
  try {
    return sessionStorage.getItem("announced");
  } catch {
    return null;
  }
}

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
  const page = await ask(location.href);
  asking = false;
  if (page?.ok) show(page);
  if (page?.ok && wanted === asked) wanted = null;
  if (wanted) plan(!page?.ok);
}

async function ask(address, options = {}) {
  try {
    const response = await fetch(address, {
      cache: "no-store",
      headers: { Accept: "text/html" },
      signal: AbortSignal.timeout(ANSWER_MS),
      ...options,
    });
    return { ok: response.ok, status: response.status, text: await response.text() };
  } catch {
    return null;
  }
}

/** Put what a fetched page says in the place of what stands here; only what differs, so that focus stays. */
function show({ text }) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const before = main.querySelector(".says")?.textContent;
  const fresh = page.querySelector("main");
  if (!fresh) return;
  document.title = page.title;
  if (!fresh.dataset.view) return main.replaceChildren(...fresh.childNodes);
  main.dataset.view = fresh.dataset.view;
  if (OVER.includes(held()[0])) part("push")?.remove();
  for (const id of ["own", "turn", "rating", "leaving"]) replace(id, page.getElementById(id));
  const says = main.querySelector(".says")?.textContent ?? "";
  if (says !== before) say(part("spoken"), says);
  return offerSound();
}

function replace(id, fresh) {
  // Whoever was asked whether they are sure may still be thinking about it.
  const asked = id === "leaving" && part("sure") && !part("sure").hidden;
  if (asked && fresh.querySelector("form")) return;
  // And whoever says how it was may be writing; a page that an older version made asks nothing.
  if (!part(id) || (id === "rating" && part("rate") && fresh.querySelector("form"))) return;
  if (!part(id).isEqualNode(fresh)) part(id).replaceChildren(...fresh.childNodes);
}

/** The ticket is not of today any more: the last word on it, then silence. */
async function end() {
  live.stop();
  clearTimeout(timer);
  wanted = null;
  if (OVER.includes(held()[0])) return;
  const page = await ask(location.href);
  if (page?.ok || page?.status === 404) show(page);
  offerSound();
}

/** Say quietly how old the picture is, once there is no line or it is too old to trust. */
function age() {
  const old_s = heard || !kept ? live.silence() : Math.max(0, (Date.now() - kept) / 1000);
  const trusted = live.link !== "cut" && old_s <= PHONE.quiet_s && (heard || !kept);
  part("age").hidden = live.link === "refused" || trusted;
  const renews = part("renews");
  if (renews) renews.hidden = !trusted || live.link === "refused" || OVER.includes(held()[0]);
  if (part("age").hidden) return;
  const said = _("No connection: what you see is %(age)s old. As soon as there is one again, this page renews itself.", {
    age: span(old_s),
  });
  say(part("age"), said);
}

function span(seconds) {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours) return ngettext("%(number)s hour", "%(number)s hours", hours);
  if (minutes) return ngettext("%(number)s minute", "%(number)s minutes", minutes);
  return ngettext("%(number)s second", "%(number)s seconds", Math.max(5, Math.floor(seconds / 5) * 5));
}

/** Where the browser refuses sound until it is asked for by a tap, offer that tap. */
function offerSound() {
  const button = part("sound");
  if (!button) return;
  if (!button.hidden && !chime.refused) say(part("spoken"), _("Sound is on."));
  button.hidden = !chime.refused || live.link === "refused" || [...OVER, "serving"].includes(held()[0]);
}

part("sound").addEventListener("click", () => chime.allow());
// A finger on the glass is no permission before it is lifted.
addEventListener("pointerup", () => chime.allow());

main.addEventListener("click", (event) => {
  const link = event.target.closest("#leave, #stay");
  if (!link) return;
  event.preventDefault();
  const sure = link.id === "leave";
  part("sure").hidden = !sure;
  part("leave").hidden = sure;
  say(part("told"), "");
  (sure ? part("sure").querySelector("button") : part("leave")).focus();
});

main.addEventListener("submit", async (event) => {
  if (event.target.id !== "sure") return;
  event.preventDefault();
  if (leaving) return;
  leaving = true;
  const button = part("sure").querySelector("button");
  button.disabled = true;
  const page = await ask(event.target.action, { method: "POST" });
  leaving = false;
  button.disabled = false;
  if (!page?.ok) return say(part("told"), notSent());
  // Called in this very moment, the page may have changed meanwhile: then nothing is asked any more.
  if (part("sure")) part("sure").hidden = true;
  show(page);
  const told = new DOMParser().parseFromString(page.text, "text/html").getElementById("told");
  return say(part("told"), told?.textContent ?? "");
});

takeRatings(main, `/visits/${location.pathname.split("/")[2]}`, notSent);
offerPush();
setTimeout(offerSound, 1000); // a browser that allows sound needs a moment to say so
age();
setInterval(age, 1000);
