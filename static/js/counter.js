/** The counter panel: one large step, and the house's other answers a step quieter. */

import { HouseClock, elapsed } from "./clock.js";
import { command } from "./command.js";
import { because, passing, refusal, standing, ticketNumber, words } from "./counter-words.js";
import { h, keyed, say } from "./dom.js";
import { Live, signIn } from "./live.js";
import { askTransfer, closeTransfer } from "./transfer.js";

/** Once the large button means something else, a press meant for the old meaning does not count (ms). */
const SETTLE_MS = 600;
/** A frame as new as the answer comes at once, or with the next heartbeat; no longer than this (ms). */
const SHOWN_MS = 6000;
/** A panel hears something every 5 s. Without, nobody can say whether it is right (seconds). */
const QUIET_S = 7;

const { site, counter } = document.body.dataset;
const part = (id) => document.getElementById(id);
const clock = new HouseClock();
const languages = new Intl.DisplayNames("nl", { type: "language" });
const buttons = Object.fromEntries([...document.querySelectorAll("[data-act]")].map((b) => [b.dataset.act, b]));
const step = part("step");
const lettersBox = part("letters");

let view = null;
let busy = false;
let news = "";
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

/** closed, paused, idle, next, called or serving: what the large button is about. */
function stage() {
  if (view.current) return view.current.status;
  if (view.mode !== "open") return view.mode;
  return view.queue.length ? "next" : "idle";
}

/** The command of the large button in each stage. */
const STEPS = { closed: "open", paused: "open", next: "next", called: "start", serving: "finish" };

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

/** Do one thing, once; the panel waits until its answer is known and shown. */
async function ask(path, body = {}) {
  busy = true;
  news = "";
  render();
  step.focus();
  const { answer, problem, status } = await command(path, body, () => {
    news = words.unsure;
    render();
  });
  if (status === 401) return signIn();
  if (answer) {
    news = "ticket" in answer && answer.ticket === null && path.endsWith("/next") ? words.nobody : "";
    await picture(answer.seq);
  } else {
    news = problem ? refusal(problem, status) : words.unknown;
  }
  busy = false;
  return render();
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

async function act(name) {
  if (!possible(name)) return;
  switch (name) {
    case "step":
      await ask(here(STEPS[stage()]));
      break;
    case "transfer": {
      const ticket = view.current.ticket;
      const target = await askTransfer(view);
      if (target && possible("transfer") && view.current.ticket === ticket) await ask(here("transfer"), target);
      else step.focus();
      break;
    }
    case "call": {
      const number = ticketNumber(part("number").value);
      if (!number) break;
      part("number").value = "";
      await ask(here("call"), { ticket: number });
      break;
    }
    default:
      await ask(here(name));
  }
}

// --- showing it ------------------------------------------------------------------------------------

function render() {
  document.body.dataset.link = live.link;
  document.body.toggleAttribute("data-busy", busy);
  if (view) {
    showPerson();
    showQueue();
    showAway();
    say(part("mode"), words.mode[view.mode]);
    part("mode").dataset.mode = view.mode;
    const recalls = view.current?.status === "called" ? view.current.no_show_after : 0;
    say(part("recall-first"), recalls ? words.recallFirst(recalls) : "");
    part("others").dataset.for = view.current ? "somebody" : "nobody";
    buttons.open.hidden = view.mode !== "paused" || !view.current;
    buttons.pause.hidden = view.mode !== "open";
    buttons.close.hidden = view.mode === "closed";
    closeTransfer(live.link === "live" ? view.current?.ticket : null);
  }
  say(part("news"), news);
  document.body.dataset.stage = view ? stage() : "none";
  document.title = words.title(counter, view?.current?.ticket);
  enable();
  tick();
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
  say(part("stage"), words.stage[now]);
  say(part("ticket"), person?.ticket ?? "");
  say(part("service"), person ? serviceName(person.service) : "");
  say(part("step-label"), next ? words.callNext(next.ticket) : (goesOn ?? words.step[now]));
  const passed = current ? current.overtook : next ? earlier(next) : [];
  const why = person ? `${because(person, hour)} ${passing(passed)}`.trim() : words.quiet(now, view.waiting);
  say(part("why"), why);
  showFacts(person);
}

/** The large button now means this; a press meant for what it meant before does not count. */
function mean(text) {
  if (text === meaning) return;
  const before = meaning;
  meaning = text;
  if (!before) return;
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

function showFacts(person) {
  const facts = [];
  if (person) {
    if (person.slot_at && person.rule === "asked") facts.push(words.slot(hour(person.slot_at)));
    if (person.persons > 1) facts.push(words.persons(person.persons));
    if (person.language && person.language !== "nl") facts.push(words.language(tongue(person.language)));
    if (person.accompanied) facts.push(words.accompanied);
    if (person.priority && person.rule !== "priority") facts.push(words.priority);
    if (person.recalls) facts.push(words.recalled(person.recalls));
  }
  keyed(part("facts"), facts, (fact) => fact, (fact) => h("li", {}, fact), () => {});
}

function tongue(code) {
  try {
    return languages.of(code);
  } catch {
    return code;
  }
}

function serviceName(id) {
  return [...view.services, ...view.elsewhere].find((service) => service.id === id)?.name ?? id;
}

const hour = (instant) => clock.hour(instant);

function button(kind, press) {
  const click = (event) => event.detail < 2 && possible(kind) && press();
  return h("button", { type: "button", "data-kind": kind, click });
}

function showQueue() {
  say(part("waiting"), String(view.waiting));
  const hidden = view.waiting - view.queue.length;
  say(part("more"), hidden > 0 ? words.more(hidden) : "");
  keyed(
    part("queue"),
    view.queue,
    (ticket) => ticket.ticket,
    (ticket) => {
      const mark = button("priority", () =>
        ask(visit(ticket.ticket, "priority"), { priority: mark.getAttribute("aria-pressed") !== "true" }),
      );
      const call = button("call", () => ask(here("call"), { ticket: ticket.ticket }));
      return h("li", {}, h("b"), h("span"), h("small"), mark, call);
    },
    (item, ticket) => {
      const [number, service, why, mark, call] = item.children;
      say(number, ticket.ticket);
      say(service, serviceName(ticket.service));
      say(why, standing(ticket, hour));
      say(mark, words.mark);
      mark.setAttribute("aria-pressed", ticket.priority);
      mark.setAttribute("aria-label", `${words.mark} ${ticket.ticket}`);
      say(call, words.call);
      call.setAttribute("aria-label", `${words.call} ${ticket.ticket}`);
    },
  );
}

function showAway() {
  part("away-part").hidden = view.away.length === 0;
  keyed(
    part("away"),
    view.away,
    (ticket) => ticket.ticket,
    (ticket) => {
      const back = button("return", () => ask(visit(ticket.ticket, "return")));
      const call = button("call", () => ask(here("call"), { ticket: ticket.ticket }));
      return h("li", {}, h("b"), h("span"), h("small"), back, call);
    },
    (item, ticket) => {
      const [number, service, why, back, call] = item.children;
      say(number, ticket.ticket);
      say(service, serviceName(ticket.service));
      say(why, words.away[ticket.status](hour(ticket.since)));
      say(back, words.returned);
      back.setAttribute("aria-label", `${ticket.ticket} ${words.returned.toLowerCase()}`);
      say(call, words.call);
      call.setAttribute("aria-label", `${words.call} ${ticket.ticket}`);
    },
  );
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
          ? [words.cut, words.cutText(Math.floor(live.silence()))]
          : [words.connecting, ""];
    say(part("cut-title"), title);
    say(part("cut-text"), text);
  }
  if (!view) return;
  say(part("time"), hour(clock.now()));
  const { current, undo } = view;
  if (current) {
    const began = current.status === "called" ? current.called_at : current.started_at;
    say(part("stage"), `${words.stage[current.status]}, ${words.since[current.status](elapsed(clock.since(began)))}`);
  }
  buttons.undo.hidden = !undo || clock.now() >= Date.parse(undo.until);
  if (undo) {
    const left = (Date.parse(undo.until) - clock.now()) / 1000;
    say(part("undo"), words.undo(words.undone[undo.kind] ?? words.undoLast, elapsed(left)));
  }
}

// --- hands -----------------------------------------------------------------------------------------

const LETTERS = { h: "recall", n: "no-show", e: "park", d: "transfer", z: "undo" };

function letters() {
  return localStorage.getItem("letters") !== "off";
}

step.addEventListener("click", (event) => event.detail < 2 && act("step"));
for (const [name, element] of Object.entries(buttons)) {
  if (name !== "call") element.addEventListener("click", (event) => event.detail < 2 && act(name));
}
part("by-number").addEventListener("submit", (event) => {
  event.preventDefault();
  if (view && live.link === "live" && !busy && !possible("call")) {
    news = refusal({ code: view.current ? "counter-busy" : "counter-not-open", ticket: view.current?.ticket });
    render();
  } else {
    act("call");
  }
});
lettersBox.checked = letters();
lettersBox.addEventListener("change", () => localStorage.setItem("letters", lettersBox.checked ? "on" : "off"));

addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]") || event.ctrlKey || event.altKey || event.metaKey) return;
  const press = event.key === " " || event.key === "Enter";
  // A key held down is one press: the large button must not run through its meanings.
  if (event.repeat && press) return event.preventDefault();
  if (event.key === "Escape") return step.focus();
  if (event.target.matches("input:not([type=checkbox])")) return;
  if (press) {
    if (event.target.closest("button, summary, input, a")) return;
    event.preventDefault();
    return void act("step");
  }
  if (!letters() || event.repeat) return;
  const letter = event.key.toLowerCase();
  if (letter === "t") {
    event.preventDefault();
    part("number").focus();
  } else if (letter in LETTERS) {
    act(LETTERS[letter]);
  }
});

render();
step.focus();
setInterval(tick, 250);
