/** The counter panel: one large step, and the house's other answers a step quieter. */

import { HouseClock, elapsed } from "./clock.js";
import { command } from "./command.js";
import { because, company, passing, refusal, spoken, ticketNumber, words } from "./counter-words.js";
import { h, keyed, say } from "./dom.js";
import { Live, signIn } from "./live.js";
import { restMoved, showLists, showWaits } from "./queue.js";
import { askTransfer, closeTransfer } from "./transfer.js";
import { language } from "./words.js";

/** Once the large button means something else, a press meant for the old meaning does not count (ms). */
const SETTLE_MS = 600;
/** A frame as new as the answer comes at once, or with the next heartbeat; no longer than this (ms). */
const SHOWN_MS = 6000;
/** A panel hears something every 5 s. Without, nobody can say whether it is right (seconds). */
const QUIET_S = 7;
/** Who has not come this long after a call is asked about (house seconds). */
const LATE_S = 90;

const { site, counter } = document.body.dataset;
const part = (id) => document.getElementById(id);
const clock = new HouseClock();
const buttons = Object.fromEntries([...document.querySelectorAll("[data-act]")].map((b) => [b.dataset.act, b]));
const step = part("step");
const lettersBox = part("letters");
const numberField = part("number");
const dialogOpen = () => document.querySelector("dialog[open]") !== null;

let view = null;
let busy = false;
let news = "";
/** Of what is told: whether it only said why nothing was done, or that something was done. */
let tone = "";
let meaning = "";
let settled = 0;
let shown = () => {};

const live = new Live(`${site}/counters/${counter}`, {
  quiet_s: QUIET_S,
  beat: (frame) => {
    clock.set(frame.at, frame.view?.house);
    shown();
  },
  view: (frame) => {
    view = frame.view;
    render();
    live.painted(frame.seq);
  },
  changed: () => {
    if (live.link === "refused" && live.refusal === 4401) signIn();
    render();
  },
});

// --- what may be done now --------------------------------------------------------------------------

/** closed, ended, paused, idle, done, next, called or serving: what the large button is about. */
function stage() {
  if (view.current) return view.current.status;
  if (view.mode === "closed" && view.house.state === "ended") return "ended";
  if (view.mode !== "open") return view.mode;
  if (view.queue.length) return "next";
  // After hours nobody comes any more, but for those who are away.
  return view.house.state === "closed" && !opensToday() && view.away.length === 0 ? "done" : "idle";
}

/** The command of the large button in each stage. */
const STEPS = { closed: "open", paused: "open", done: "close", next: "next", called: "start", serving: "finish" };

function possible(act) {
  if (!view || busy || live.link !== "live") return false;
  const { current, mode, undo } = view;
  const called = current?.status === "called";
  const free = mode === "open" && !current;
  switch (act) {
    case "step":
      return stage() in STEPS && performance.now() >= settled;
    case "open":
      return mode === "paused";
    case "pause":
      return mode === "open";
    case "close":
      return mode !== "closed" && !current;
    case "recall":
      return called;
    case "no-show":
      return called && current.no_show_after === 0;
    case "park":
    case "transfer":
      return Boolean(current);
    case "bind":
      return view.staff !== null;
    case "undo":
      return Boolean(undo) && clock.now() < Date.parse(undo.until);
    case "call":
      return free;
    default:
      return true;
  }
}

// --- doing it --------------------------------------------------------------------------------------

const here = (act) => `/sites/${site}/counters/${counter}/${act}`;
const visit = (ticket, act) => `/sites/${site}/visits/${encodeURIComponent(ticket)}/${act}`;

/** Do one thing, once; the panel waits until its answer is known and shown, and then says what was `done`. */
async function ask(path, body = {}, done = "") {
  step.focus();
  const { refused } = await send(path, body);
  if (refused) tell(refused);
  else if (done) tell(done, "done");
  if (!refused && document.activeElement !== numberField) emptyNumber();
  render();
}

/** Send a command and wait until its answer is known and shown; `refused` says in words why it was not done. */
async function send(path, body) {
  busy = true;
  tell("");
  render();
  const { answer, problem, status } = await command(path, body, () => {
    tell(words.unsure);
    render();
  });
  if (status === 401) {
    signIn();
    return new Promise(() => {});
  }
  tell(answer && "ticket" in answer && answer.ticket === null && path.endsWith("/next") ? words.nobody : "");
  if (answer) await picture(answer.seq);
  busy = false;
  return { refused: answer ? "" : problem ? refusal(problem, status) : words.unknown };
}

/** Call the number that stands in the field. Where it is refused, it stays there to be mended. */
async function callNumber() {
  const typed = numberField.value;
  const number = ticketNumber(typed);
  if (!number) return;
  refuseNumber("");
  const { refused } = await send(here("call"), { ticket: number });
  if (refused) {
    refuseNumber(refused);
  } else if (numberField.value === typed) {
    emptyNumber();
    if (part("by-number").contains(document.activeElement)) step.focus();
  }
  render();
}

/** Say at the field why its number was not called; "" takes back what was said. */
function refuseNumber(why) {
  say(part("number-refused"), why);
  numberField.setAttribute("aria-invalid", Boolean(why));
  if (why) pickNumber();
}

function pickNumber() {
  numberField.focus();
  numberField.select();
}

function emptyNumber() {
  numberField.value = "";
  refuseNumber("");
}

/** Until the panel shows what the house knew at `seq`. */
function picture(seq) {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, SHOWN_MS);
    shown = () => {
      if (live.seq < seq) return;
      clearTimeout(late);
      shown = () => {};
      resolve();
    };
    shown();
  });
}

const bind = (ticket, staff) => ask(visit(ticket, "bind"), { staff });

function tell(text, how = "") {
  news = text;
  tone = how;
}

/** Say why nothing is done; the large button is what comes next. */
function tellOnly(text) {
  tell(text, "hint");
  render();
  step.focus();
}

/** Why `name` may not be done now, in words; "" where there is nothing to say about it. */
function whyNot(name) {
  if (!view || busy || live.link !== "live" || name === "step") return "";
  const { current, mode } = view;
  switch (name) {
    case "call":
    case "close":
      if (current) return words.firstFinish(current.ticket);
      return mode === "open" ? "" : refusal({ code: "counter-not-open" });
    case "recall":
    case "no-show":
      if (!current) return refusal({ code: "nobody-at-counter" });
      return refusal({ code: current.status === "called" ? "recall-first" : "not-called", ticket: current.ticket });
    case "park":
    case "transfer":
      return refusal({ code: "nobody-at-counter" });
    case "bind":
      return current ? words.needsName : "";
    case "undo":
      return refusal({ code: "nothing-to-undo" });
    default:
      return "";
  }
}

/** What may not be done now tells why, and lets go of the focus. */
function refuse(name) {
  const why = whyNot(name);
  if (why) tellOnly(why);
  else step.focus();
}

/** What the lists may do with a ticket. */
const hands = {
  possible,
  refuse,
  call: (ticket) => ask(here("call"), { ticket }),
  priority: (ticket, priority) => ask(visit(ticket, "priority"), { priority }),
  free: (ticket) => bind(ticket, null),
  back: (ticket) => ask(visit(ticket, "return")),
};

async function act(name) {
  if (!possible(name)) return void refuse(name);
  switch (name) {
    case "step":
      await ask(here(STEPS[stage()]));
      break;
    case "transfer": {
      const ticket = view.current.ticket;
      const target = await askTransfer(view);
      if (target && possible("transfer") && view.current.ticket === ticket) {
        const where = target.service ? serviceName(target.service) : words.toCounter(target.counter);
        await ask(here("transfer"), target, words.sentOn(ticket, where, target.accompanied));
      } else {
        step.focus();
      }
      break;
    }
    case "bind":
      if (view.current) await bind(view.current.ticket, view.current.bound ? null : view.staff);
      break;
    case "close": {
      // Whoever waits for this member of staff alone is called by nobody else.
      const bound = view.queue.filter((ticket) => ticket.bound).map((ticket) => ticket.ticket);
      if (!bound.length) await ask(here("close"));
      else tellOnly(words.boundFirst(bound));
      break;
    }
    case "call":
      await callNumber();
      break;
    default:
      await ask(here(name));
  }
}

// --- showing it ------------------------------------------------------------------------------------

function render() {
  document.body.dataset.link = live.link;
  document.body.toggleAttribute("data-busy", busy);
  const held = document.activeElement;
  if (view) {
    showPerson();
    showLists(view, { service: serviceName, hour }, hands);
    say(part("mode"), words.mode[view.mode === "paused" && view.current ? "finishing" : view.mode]);
    part("mode").dataset.mode = view.mode;
    const recalls = view.current?.status === "called" ? view.current.no_show_after : 0;
    say(part("recall-first"), recalls ? words.recallFirst(recalls) : "");
    if (!view.current && part("others").contains(held)) step.focus();
    part("others").dataset.for = view.current ? "somebody" : "nobody";
    hide(buttons.open, view.mode !== "paused" || !view.current);
    hide(buttons.pause, view.mode !== "open");
    hide(buttons.close, view.mode === "closed");
    hide(buttons.bind, !view.current || view.staff === null);
    say(part("bind"), view.current?.bound ? words.free : words.bind);
    part("bind-key").hidden = view.staff === null;
    showExample();
    closeTransfer(live.link === "live" ? view.current?.ticket : null);
  }
  // A line that went took the focus with it.
  if (held && !held.isConnected) step.focus();
  document.body.dataset.stage = view ? stage() : "none";
  document.title = words.title(counter, view?.current?.ticket);
  enable();
  tick();
  if (view) restMoved();
}

/** Buttons that may not be pressed keep the focus and say so; they only do nothing. */
function enable() {
  for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-disabled", !possible(name));
  step.setAttribute("aria-disabled", !possible("step"));
  for (const button of document.querySelectorAll(".tickets button")) {
    button.setAttribute("aria-disabled", !possible(button.dataset.kind));
  }
}

function showPerson() {
  const now = stage();
  const { current } = view;
  const next = now === "next" ? view.queue[0] : null;
  const person = current ?? next;
  const goesOn = now === "serving" && current.then.length ? words.goesOn(serviceName(current.then[0])) : null;
  mean(`${now} ${person?.ticket ?? ""}`);
  document.body.dataset.ticket = current?.ticket ?? "";
  say(part("stage"), stageText());
  say(part("ticket"), person?.ticket ?? "");
  say(part("service"), person ? serviceName(person.service) : "");
  say(part("step-label"), next ? words.callNext(next.ticket) : (goesOn ?? words.step[now]));
  const passed = current ? current.overtook : next ? earlier(next) : [];
  const helped = new Set(view.queue.filter(({ rule }) => rule === "overflow").map(({ ticket }) => ticket));
  const why = person
    ? [because(person, hour), passing(person.rule, passed, helped)]
    : now === "ended"
      ? [opening()]
      : now === "idle" && opensToday()
        ? [opening()]
        : [words.quiet(now, view.waiting), now === "closed" ? opening() : ""];
  say(part("why"), why.filter(Boolean).join(" "));
  say(part("told"), person ? `${words.told[now](person.ticket)}. ${serviceName(person.service)}.` : stageText());
  showFacts(person);
}

/** The large button now means this; a press meant for what it meant before does not count. */
function mean(text) {
  if (text === meaning) return;
  const before = meaning;
  meaning = text;
  if (!before) return;
  if (tone === "hint" || (tone === "done" && view.current)) tell("");
  settled = performance.now() + SETTLE_MS;
  setTimeout(enable, SETTLE_MS + 10);
}

/** Who reported before this ticket, earliest first; at the same moment the lower number was first. */
function earlier(ticket) {
  const first = (a, b) =>
    a.reported_at < b.reported_at ||
    (a.reported_at === b.reported_at && Number(a.ticket.slice(1)) < Number(b.ticket.slice(1)));
  return view.queue
    .filter((other) => first(other, ticket))
    .sort((a, b) => (first(a, b) ? -1 : 1))
    .map((other) => other.ticket);
}

/** An example of a number that this counter may call. */
function showExample() {
  const known = view.queue[0] ?? view.current ?? view.away[0];
  if (known) numberField.placeholder = known.ticket.replace(/\d+$/, "012");
}

function showFacts(person) {
  const facts = [];
  if (person) {
    if (person.slot_at && person.rule === "asked") facts.push(words.slot(hour(person.slot_at)));
    facts.push(...company(person));
    if (person.then?.length && person.status === "called") facts.push(words.also(serviceName(person.then[0])));
    if (person.priority && person.rule !== "priority") facts.push(words.priority);
    if (person.recalls) facts.push(words.recalled(person.recalls));
  }
  keyed(part("facts"), facts, (fact) => fact, (fact) => h("li", {}, fact), () => {});
}

function serviceName(id) {
  return [...view.services, ...view.elsewhere].find((service) => service.id === id)?.name ?? id;
}

const hour = (instant) => spoken(clock.time(instant));

/** Whether the doors are closed and open later today. */
function opensToday() {
  const { state, changes_at } = view.house;
  return state === "closed" && Boolean(changes_at) && clock.date(changes_at) === clock.date(clock.now());
}

/** When the doors open next, where they are closed and it is known; else nothing. */
function opening() {
  const { state, changes_at, time_zone } = view.house;
  if (state === "open" || !changes_at) return "";
  if (clock.date(changes_at) === clock.date(clock.now())) return words.opensToday(hour(changes_at));
  const day = new Intl.DateTimeFormat(language, { weekday: "long", timeZone: time_zone });
  return words.opens(day.format(Date.parse(changes_at)), hour(changes_at));
}

function stageText() {
  const { current } = view;
  if (!current) return stage() === "idle" && opensToday() ? words.stage.early() : words.stage[stage()]();
  const began = current.status === "called" ? current.called_at : current.started_at;
  return words.stage[current.status](elapsed(clock.since(began)));
}

/** Whether the person who was called should long be here. */
function late() {
  return view.current?.status === "called" && clock.since(view.current.called_at) >= LATE_S;
}

/** What is told under the large button: an answer, or else a question about a call without effect. */
function showNews() {
  const asked = !news && view && live.link === "live" && !busy && late();
  say(part("news"), asked ? words.late(view.current.no_show_after) : news);
  part("news").dataset.tone = asked ? "" : tone;
  part("news").toggleAttribute("data-asked", Boolean(asked));
  buttons.recall.toggleAttribute("data-wanted", Boolean(asked && view.current.no_show_after));
  buttons["no-show"].toggleAttribute("data-wanted", Boolean(asked && !view.current.no_show_after));
}

/** Hide or show; where the focus stood in what goes, it goes back to the large button. */
function hide(element, hidden) {
  if (hidden && element.contains(document.activeElement)) step.focus();
  element.hidden = hidden;
}

/** What changes by itself: the clock, durations, the time left to undo, the age of the picture. */
function tick() {
  const cut = live.link !== "live";
  part("cut").hidden = !cut;
  if (cut) {
    const [title, text] =
      live.link === "refused" && words.refused[live.refusal]
        ? words.refused[live.refusal]
        : view
          ? [words.cut, words.cutText(Math.floor(live.silence()), busy)]
          : [words.connecting, ""];
    say(part("cut-title"), title);
    say(part("cut-text"), text);
  }
  showNews();
  if (!view) return;
  say(part("time"), hour(clock.now()));
  showWaits((instant) => words.minutes(Math.floor(clock.since(instant) / 60)));
  say(part("stage"), stageText());
  const { undo } = view;
  hide(buttons.undo, !undo || clock.now() >= Date.parse(undo.until));
  if (undo) {
    const left = (Date.parse(undo.until) - clock.now()) / 1000;
    say(part("undo"), words.undo(words.undone[undo.kind] ?? words.undoLast, elapsed(left)));
  }
}

// --- hands -----------------------------------------------------------------------------------------

/** What each letter does, as the list of keys has it in the language of the page. */
const LETTERS = Object.fromEntries(
  [...document.querySelectorAll("[data-letter]")].map((key) => [key.textContent.toLowerCase(), key.dataset.letter]),
);

function letters() {
  return localStorage.getItem("letters") !== "off";
}

step.addEventListener("click", (event) => event.detail < 2 && act("step"));
for (const [name, element] of Object.entries(buttons)) {
  if (name !== "call") element.addEventListener("click", (event) => event.detail < 2 && act(name));
}
part("by-number").addEventListener("submit", (event) => {
  event.preventDefault();
  const why = whyNot("call");
  if (possible("call")) act("call");
  else if (why) refuseNumber(why);
});
numberField.addEventListener("input", () => refuseNumber(""));
lettersBox.checked = letters();
lettersBox.addEventListener("change", () => localStorage.setItem("letters", lettersBox.checked ? "on" : "off"));

/** Whether the hand was last at the mouse or the glass, not at the keyboard. */
let pointing = false;
/** Whether the key that is down was taken for the large button. */
let taken = false;

addEventListener("pointerdown", () => (pointing = true), true);
addEventListener("keydown", () => (pointing = false), true);
// What was pressed with the mouse does not keep the space bar from the large button.
for (const kind of ["mouseup", "click"]) {
  addEventListener(kind, () => {
    if (!pointing || dialogOpen() || !document.activeElement.matches("button, summary, [type=checkbox]")) return;
    step.focus({ preventScroll: true });
  });
}

/** Whether a press of space or Enter is for what has the focus, and not for the large button. */
function own(held, key) {
  if (!held) return false;
  if (held === step || held.getAttribute("aria-disabled") !== "true") return true;
  return key === "Enter"; // it says why not
}

addEventListener("keydown", (event) => {
  taken = false;
  if (dialogOpen() || event.ctrlKey || event.altKey || event.metaKey) return;
  const press = event.key === " " || event.key === "Enter";
  // A key held down is one press: the large button must not run through its meanings.
  if (event.repeat && press) return event.preventDefault();
  if (event.key === "Escape") return step.focus();
  if (event.target.matches("input:not([type=checkbox])")) return;
  if (press) {
    if (own(event.target.closest("button, summary, input, a"), event.key)) return;
    event.preventDefault();
    taken = true;
    return void act("step");
  }
  if (!letters() || event.repeat) return;
  const does = LETTERS[event.key.toLowerCase()];
  if (does === "number") {
    event.preventDefault();
    pickNumber();
  } else if (does) {
    act(does);
  }
});
// Some browsers press a button when the key comes up.
addEventListener("keyup", (event) => taken && event.preventDefault());

render();
step.focus();
setInterval(tick, 250);
