/** The hall screen: the newest call large, older ones below, who waits, the clock, and a chime. */

import { CHIME_S, Chime } from "./chime.js";
import { HouseClock } from "./clock.js";
import { h, keyed, say } from "./dom.js";
import { LOST_S, Live, STALE_S, signIn } from "./live.js";
import "./shell.js";

/** A call that reaches the glass later than this is shown without a chime: staff have spoken by then. */
const TOO_LATE_S = LOST_S;
/** How long a new call keeps its highlight (seconds). */
const HOLD_S = 15;

const words = {
  connecting: ["Een ogenblik", "Dit scherm maakt verbinding."],
  empty: ["Er wordt nu niemand opgeroepen", "Uw nummer verschijnt hier, met het loket waar u wordt verwacht."],
  closed: "Wij zijn gesloten",
  ended: "Tot ziens",
  opens: (when) => `Wij openen ${when}.`,
  closing: "De deuren zijn dicht. Wie nog wacht, wordt geholpen.",
  opensLater: "De openingsuren vindt u aan de ingang.",
  lost: ["Luister naar het personeel", "Dit scherm krijgt nu geen nieuws. U wordt geholpen."],
  stale: (seconds) => `Dit beeld is ${seconds} seconden oud. De verbinding wordt hersteld.`,
  4403: ["Dit scherm heeft geen toegang", "Vraag de beheerder om het opnieuw aan te melden."],
  4404: ["Deze zaal is niet bekend", "Kijk het adres van deze pagina na."],
  waiting: (people) => (people === 1 ? "1 wacht" : `${people} wachten`),
  minutes: (low, high) => (low === high ? `${high} min` : `${low}–${high} min`),
  unknown: "–",
  today: "vandaag",
  tomorrow: "morgen",
};

const { site, house } = document.body.dataset;
const part = (id) => document.getElementById(id);
const screen = {
  newest: part("newest"),
  calls: part("calls"),
  message: part("message"),
  title: part("message-title"),
  text: part("message-text"),
  age: part("age"),
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

const chime = new Chime({
  on: new URLSearchParams(location.search).get("sound") !== "off",
  still: (id) => view.calls.some((call) => call.id === id && inTime(call)),
  ring: (id, heard) => {
    announced = id;
    hold(id);
    setTimeout(() => {
      if (announced === id) announced = null;
      mark();
    }, CHIME_S * 1000);
    if (heard) live.sounded([id]);
  },
  changed: () => showSound(),
});

const live = new Live(`${site}/hall`, {
  beat: (frame) => clock.set(frame.at, frame.view?.house),
  view: (frame, first) => {
    if (view?.house.date !== frame.view.house.date) seen.clear();
    view = frame.view;
    const fresh = view.calls.filter((call) => !seen.has(call.id)).reverse();
    for (const call of fresh) seen.add(call.id);
    const calls = first ? [] : fresh.filter(inTime).map((call) => call.id);
    calls.forEach(hold);
    render(calls.includes(view.calls[0]?.id));
    live.painted(frame.seq);
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
  const shown = state === "calls" ? view.calls : [];
  showCalls(screen.newest, shown.slice(0, 1), moving);
  showCalls(screen.calls, shown.slice(1, 1 + rows()), false);
  mark();
  screen.message.hidden = state === "calls";
  const [title, text] = message(state);
  say(screen.title, title);
  say(screen.text, text);
  if (view) {
    const closing = state === "calls" && view.house.state !== "open" ? words.closing : "";
    say(screen.notice, [closing, view.notice].filter(Boolean).join(" "));
    showWaiting();
  }
  tick();
}

/** Which of the designed pictures is right now. A number that may be wrong is not shown at all. */
function screenState() {
  if (live.link === "refused") return "refused";
  if (live.silence() > LOST_S) return "lost";
  if (!view) return "connecting";
  if (view.calls.length) return "calls";
  return view.house.state === "open" ? "empty" : view.house.state;
}

function message(state) {
  if (state === "refused") return words[live.refusal] ?? words.lost;
  if (state === "closed" || state === "ended") {
    const opens = view.house.changes_at;
    return [words[state], opens ? words.opens(whenOpens(opens)) : words.opensLater];
  }
  return words[state] ?? ["", ""];
}

function whenOpens(instant) {
  const day = clock.date(instant);
  const tomorrow = clock.date(clock.now() + 86_400_000);
  const named = day === clock.date(clock.now()) ? words.today : day === tomorrow ? words.tomorrow : day;
  return `${named} om ${clock.hour(instant)}`;
}

/** How many older calls this layout has room for; the style sheet knows. */
function rows() {
  return Number(getComputedStyle(document.documentElement).getPropertyValue("--rows"));
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
      for (const name of ["ticket", "counter"]) {
        const place = line.querySelector(`.${name}`);
        say(place, call[name]);
        place.dataset.length = Math.min(call[name].length, 8);
      }
    },
  );
}

function showWaiting() {
  keyed(
    screen.waiting,
    view.waiting,
    (range) => range.range,
    () => h("li", {}, h("b", {}), h("span", { class: "people" }), h("span", { class: "minutes" })),
    (item, range) => {
      const [letter, people, minutes] = item.children;
      say(letter, range.range);
      say(people, words.waiting(range.waiting));
      say(minutes, wait(range));
    },
  );
}

function wait({ low_s, high_s }) {
  if (low_s === null || high_s === null) return words.unknown;
  return words.minutes(Math.floor(low_s / 60), Math.max(1, Math.ceil(high_s / 60)));
}

function showSound() {
  screen.sound.hidden = !chime.refused;
}

function tick() {
  const silence = live.silence();
  const age = silence > LOST_S ? "lost" : silence > STALE_S ? "stale" : "fresh";
  document.body.dataset.age = age;
  screen.age.hidden = age !== "stale" || !view;
  if (age === "stale") say(screen.age, words.stale(Math.floor(silence)));
  if (!clock.known) return;
  say(screen.time, clock.time(clock.now()));
  say(screen.date, clock.date(clock.now()));
}

screen.sound.addEventListener("click", () => chime.allow());
document.title = house;
setTimeout(showSound, 1000); // a browser that allows sound needs a moment to say so
render(false);
addEventListener("resize", () => render(false));
setInterval(() => {
  if (screenState() !== document.body.dataset.screen) render(false);
  else tick();
}, 500);
