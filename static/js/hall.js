/** The hall screen: the newest call large, older ones below, who waits, the clock, and a chime. */

import { CHIME_S, Chime } from "./chime.js";
import { HouseClock } from "./clock.js";
import { h, keyed, say } from "./dom.js";
import { dark, hasRoom, layoutFor, parts, ruler, wander } from "./glass.js";
import { LOST_S, Live, STALE_S, signIn } from "./live.js";
import "./shell.js";
import { _, ngettext } from "./words.js";

/** A call that reaches the glass later than this is shown without a chime: staff have spoken by then. */
const TOO_LATE_S = LOST_S;
/** How long a new call keeps its highlight (seconds). */
const HOLD_S = 15;

/** How long a part of a notice stands before the next (milliseconds). */
const NOTICE_MS = 12_000;
/** How long the glass itself says that it may not sound; the supervisor's page goes on saying so (milliseconds). */
const SOUND_TOLD_MS = 10 * 60_000;
/** A browser that allows sound needs a moment to say so (milliseconds). */
const SOUND_SETTLES_MS = 1000;

const words = {
  connecting: () => [_("One moment"), _("This screen is connecting.")],
  empty: () => [
    _("Nobody is being called right now"),
    _("Your number appears here, with the counter where you are expected."),
  ],
  lost: () => [_("Please listen to the staff"), _("This screen gets no news right now. You will be helped.")],
  misfit: () => [_("Please listen to the staff"), _("This screen is not set up well. You will be helped.")],
  4403: () => [_("This screen has no access"), _("Ask the administrator to sign it in again.")],
  4404: () => [_("This hall is not known"), _("Check the address of this page.")],
};

const { site, house, name, longest } = document.body.dataset;
const sounds = document.body.dataset.sounds === "yes";
const measured = document.body.dataset.measured === "yes";
const layouts = JSON.parse(document.body.dataset.layouts);
const part = (id) => document.getElementById(id);
const screen = {
  newest: part("newest"),
  calls: part("calls"),
  message: part("message"),
  title: part("message-title"),
  text: part("message-text"),
  staff: part("message-staff"),
  age: part("age"),
  ranges: part("ranges"),
  waiting: part("waiting"),
  notice: part("notice"),
  time: part("time"),
  date: part("date"),
  sound: part("sound"),
  line: part("call"),
};

const clock = new HouseClock();
const seen = new Set();
/** Calls with a highlight, and until when; the one that is being announced has more of it. */
const held = new Map();
let announced = null;
let view = null;
/** How the calls stand on this window; null where they would be too small to read. */
let layout = null;
let settled = false;
/** The notice in parts that can be read, shown in turn. */
let notice = [];

const chime = new Chime({
  on: sounds && new URLSearchParams(location.search).get("sound") !== "off",
  still: (id) => view.calls.some((call) => call.id === id && inTime(call)),
  ring: (id, heard) => {
    announced = id;
    hold(id);
    render(false);
    setTimeout(() => {
      if (announced === id) announced = null;
      render(false);
    }, CHIME_S * 1000);
    if (heard) live.sounded([id]);
  },
  changed: () => showSound(),
});

const live = new Live(`${site}/hall${name && `?screen=${name}`}`, {
  shown: () => layout !== null,
  beat: (frame) => clock.set(frame.at, frame.view?.house),
  view: (frame, first) => {
    if (view?.house.date !== frame.view.house.date) seen.clear();
    view = frame.view;
    const fresh = view.calls.filter((call) => !seen.has(call.id)).reverse();
    for (const call of fresh) seen.add(call.id);
    const calls = first || !layout ? [] : fresh.filter(inTime).map((call) => call.id);
    calls.forEach(hold);
    render(calls.includes(view.calls[0]?.id));
    chime.announce(calls);
  },
  changed: () => (live.refusal === 4401 && live.link === "refused" ? signIn() : render(false)),
});

function inTime(call) {
  return clock.realSince(call.at) < TOO_LATE_S;
}

function hold(id) {
  held.set(id, performance.now() + HOLD_S * 1000);
  mark();
  setTimeout(mark, HOLD_S * 1000 + 10);
}

function mark() {
  const now = performance.now();
  for (const [id, until] of held) if (until <= now) held.delete(id);
  for (const line of document.querySelectorAll(".call")) {
    line.toggleAttribute("data-held", held.has(line.dataset.key));
    line.toggleAttribute("data-announced", line.dataset.key === announced);
  }
}

function render(moving) {
  document.body.dataset.link = live.link;
  const state = screenState();
  document.body.dataset.screen = state;
  const shown = state === "calls" ? rows() : [];
  showCalls(screen.newest, shown.slice(0, 1), moving);
  showCalls(screen.calls, shown.slice(1), false);
  mark();
  screen.message.hidden = state === "calls";
  if (view) {
    notice = parts([doors(state), view.notice].filter(Boolean).join(" "));
    showWaiting();
  }
  fit(screen.waiting);
  tick();
  fit(screen.message);
  fit(screen.notice);
  fit(screen.age);
}

/** What the strip says of the doors, where the picture itself does not. */
function doors(state) {
  if (view.tickets_over && ["calls", "empty"].includes(state)) {
    return _("No more tickets are given today. Whoever has one will be helped.");
  }
  if (state !== "calls" || view.house.state === "open") return "";
  return opensToday() ? whenOpens() : _("The doors are closed. Whoever still waits will be helped.");
}

function opensToday() {
  const opens = view.house.changes_at;
  return opens !== null && clock.date(opens) === clock.date(clock.now());
}

/** The calls that have room, newest first; one that is announced just now is never left out. */
function rows() {
  const shown = view.calls.slice(0, 1 + layout.rows);
  const late = view.calls.find((call) => call.id === announced && !shown.includes(call));
  return late && layout.rows ? [...shown.slice(0, -1), late] : shown;
}

function showMessage(state) {
  const [title, text] = message(state);
  say(screen.title, title);
  say(screen.text, text);
  say(screen.staff, state === "misfit" ? misfit() : "");
}

/** Choose the layout for the window as it is, and draw with it. */
function measure() {
  layout = layoutFor(layouts, measured, innerWidth, innerHeight);
  const em = ruler(getComputedStyle(document.body).fontFamily);
  if (layout && !hasRoom(layout, innerWidth, innerHeight, em, longest)) layout = null;
  for (const size of ["rows", "newest", "older", "head", "counter"]) {
    document.documentElement.style.setProperty(`--${size}`, layout?.[size] ?? 0);
  }
  render(false);
}

/** Make the type of a part of the strip smaller until the part has room for all of it. */
function fit(element) {
  for (let size = 1; size > 0.3; size -= 0.05) {
    element.style.setProperty("--fit", size);
    if (element.scrollHeight <= element.clientHeight + 1 && element.scrollWidth <= element.clientWidth + 1) return;
  }
}

/** Which of the designed pictures is right now. A number that may be wrong is not shown at all. */
function screenState() {
  if (live.link === "refused") return "refused";
  if (live.silence() > LOST_S) return "lost";
  if (!layout) return "misfit";
  if (!view) return "connecting";
  if (view.calls.length) return "calls";
  return view.house.state === "open" ? "empty" : view.house.state;
}

function message(state) {
  if (state === "refused") return (words[live.refusal] ?? words.lost)();
  if (state === "closed") return [_("We are closed"), whenOpens()];
  if (state === "ended") return [_("Goodbye"), whenOpens()];
  return words[state]?.() ?? ["", ""];
}

function whenOpens() {
  const opens = view.house.changes_at;
  if (!opens) return _("The opening hours are at the entrance.");
  const date = clock.date(opens);
  const time = clock.hour(opens);
  if (opensToday()) return _("We open today at %(time)s.", { time });
  const tomorrow = clock.date(clock.now() + 86_400_000);
  if (date === tomorrow) return _("We open tomorrow at %(time)s.", { time });
  return _("We open on %(date)s at %(time)s.", { date, time });
}

/** What staff need to know to mend a window that does not show its layout. */
function misfit() {
  const window = { width: innerWidth, height: innerHeight };
  if (!measured) return _("For staff: a window of %(width)s by %(height)s has no room for the numbers.", window);
  const [{ width_mm, height_mm, distance_m }] = layouts;
  return _(
    "For staff: screen %(name)s is set up as %(width_mm)s by %(height_mm)s mm, read from %(distance_m)s m. This window, %(width)s by %(height)s, does not show that.",
    { name, width_mm, height_mm, distance_m, ...window },
  );
}

/** Whether a counter has called somebody else since. */
function isPast(call) {
  return view.calls.find((other) => other.counter === call.counter) !== call;
}

function showCalls(list, calls, moving) {
  keyed(
    list,
    calls,
    (call) => call.id,
    () => {
      const line = screen.line.content.firstElementChild.cloneNode(true);
      line.toggleAttribute("data-moving", moving);
      return line;
    },
    (line, call) => {
      line.toggleAttribute("data-past", isPast(call));
      for (const name of ["ticket", "counter"]) {
        const place = line.querySelector(`.${name}`);
        say(place, call[name]);
        place.dataset.length = call[name].length;
      }
    },
  );
}

function showWaiting() {
  const over = view.house.state !== "open" && !opensToday();
  const ranges = over ? view.waiting.filter((range) => range.waiting) : view.waiting;
  screen.ranges.hidden = !ranges.length;
  keyed(
    screen.waiting,
    ranges,
    (range) => range.range,
    () => h("li", {}, h("b", {}), h("span", { class: "people" }), h("span", { class: "minutes" })),
    (item, range) => {
      const [letter, people, minutes] = item.children;
      say(letter, range.range);
      say(people, ngettext("%(number)s waits", "%(number)s wait", range.waiting));
      say(minutes, wait(range));
    },
  );
}

function wait({ low_s, high_s }) {
  if (low_s === null || high_s === null) return "–";
  const low = Math.floor(low_s / 60);
  const high = Math.max(1, Math.ceil(high_s / 60));
  return low === high ? _("%(high)s min", { high }) : _("%(low)s–%(high)s min", { low, high });
}

/** Tell the hall's staff and the server whether the chime is heard, once the browser has made up its mind. */
function showSound() {
  settled ||= chime.state !== "refused";
  if (!settled) return;
  screen.sound.hidden = !chime.refused || performance.now() > SOUND_TOLD_MS;
  live.sound(chime.state);
}

function tick() {
  showMessage(document.body.dataset.screen); // "tomorrow" becomes "today" at midnight
  const silence = live.silence();
  const age = silence > LOST_S ? "lost" : silence > STALE_S ? "stale" : "fresh";
  document.body.dataset.age = age;
  screen.age.hidden = age !== "stale" || !view;
  if (age === "stale") {
    const seconds = Math.floor(silence);
    say(screen.age, _("This picture is %(seconds)s seconds old. The connection is being restored.", { seconds }));
  }
  const part = notice[Math.floor(performance.now() / NOTICE_MS) % notice.length] ?? "";
  if (screen.notice.textContent !== part) {
    say(screen.notice, part);
    fit(screen.notice);
  }
  const [x, y] = wander(performance.now() / 60_000);
  document.body.style.translate = `${x}px ${y}px`;
  if (performance.now() > SOUND_TOLD_MS) screen.sound.hidden = true;
  document.body.toggleAttribute("data-dark", clock.known && dark(view, clock.now()));
  if (!clock.known) return;
  say(screen.time, clock.time(clock.now()));
  say(screen.date, clock.date(clock.now()));
}

screen.sound.addEventListener("click", () => chime.allow());
document.title = house;
setTimeout(() => {
  settled = true;
  showSound();
}, SOUND_SETTLES_MS);
measure();
// The typeface may come later than the first picture, and another may be narrower.
document.fonts.addEventListener("loadingdone", measure);
addEventListener("resize", measure);
setInterval(() => {
  if (screenState() !== document.body.dataset.screen) render(false);
  else tick();
}, 500);
