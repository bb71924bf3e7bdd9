/** The reception desk: find who is here, or what they come for; two touches to a ticket. */

import { _, language, ngettext } from "./words.js";
import { HouseClock } from "./clock.js";
import { chosenBooking, forgetBooking, resetBooking, showBooking, wrong } from "./booking.js";
import { appointmentCard, drawCard, visitCard } from "./card.js";
import { callBacks } from "./callbacks.js";
import { command } from "./command.js";
import { h, keyed, say } from "./dom.js";
import { Finder, SHORTEST, ticketNumber } from "./finder.js";
import { showFound, showWalkIns } from "./found.js";
import { showGlance } from "./glance.js";
import { Live } from "./live.js";
import { chosenOptions, chosenServices, resetOptions } from "./options.js";
import { ahead, doors, expected, noTickets, queued, range, refusal, trouble } from "./reception-words.js";
import { fillSlip } from "./slip.js";

/** Once the large button means something else, a press meant for the old meaning does not count (ms). */
const SETTLE_MS = 300;
/** How long what stands on the desk may stand there untouched (ms). */
const REST_MS = 120_000;
/** A frame as new as the answer comes at once, or with the next heartbeat; no longer than this (ms). */
const SHOWN_MS = 6000;
/** A desk hears something every 5 s. Without, nobody can say whether it is right (seconds). */
const QUIET_S = 7;
/** How long a first press waits for its second (ms). */
const SURE_MS = 5000;

const { site } = document.body.dataset;
const part = (id) => document.getElementById(id);
const clock = new HouseClock();
const hour = (instant) => clock.time(instant);
const q = part("q");
const go = part("go");

let view = null;
/** `{kind: "appointment", found}`, `{kind: "draw", service}` or `{kind: "visit", visit}` (ids), or null. */
let subject = null;
let made = null;
/** Whether an appointment is being made, and the one that was. */
let booking = false;
let coded = null;
let busy = false;
let news = "";
/** What was just done, where nothing else on the desk shows it. */
let done = "";
let signedOut = false;
let settled = 0;
let sure = null;
let firstWhenFound = false;
let touched = false;
let resting = 0;
let shown = () => {};
/** Today's appointments of people who wish to be called back, by their ids; and asking for all such wishes. */
let wishes = "";
let renewWishes = () => {};

const live = new Live(`${site}/reception`, {
  quiet_s: QUIET_S,
  beat: (frame) => {
    clock.set(frame.at, frame.view?.house);
    shown();
  },
  view: (frame) => {
    view = frame.view;
    render();
    const now = view.appointments.filter((one) => one.call_back_at).map((one) => one.appointment).join();
    if (now !== wishes) renewWishes();
    wishes = now;
    live.painted(frame.seq);
  },
  changed: () => {
    if (live.link === "live") signedOut = false;
    render();
  },
});

const finder = new Finder(site, {
  changed: () => {
    const known = subject?.kind === "appointment" && appointment(subject.found.appointment);
    if (known) subject.found = known;
    render();
    if (firstWhenFound) chooseFirst();
  },
  refused: (status) => {
    if (status === 401) signedOut = true;
    else news = refusal({}, status);
    render();
  },
});

// --- what is there ---------------------------------------------------------------------------------

const ready = () => Boolean(view) && !busy && live.link === "live" && !signedOut;
/** Whether nobody will be called any more today. */
const over = () =>
  view.house.state === "ended" ||
  (view.house.state === "closed" && !(view.house.changes_at && localDay(view.house.changes_at) === view.house.date));
const serviceName = (id) => view.services.find((service) => service.id === id)?.name ?? id;

/** What the search says of an appointment, with what the live view knows better by now. */
function current(found) {
  const line = view?.appointments.find(({ appointment }) => appointment === found.appointment);
  const now = line ? { ...found, state: line.state, ticket: line.ticket } : found;
  return { ...now, visit: view?.visits.find(({ ticket }) => ticket === now.ticket) ?? null };
}

function appointment(id) {
  return finder.answer?.appointments.find((found) => found.appointment === id);
}

/** Whoever fits what was typed: a ticket in the house first, then appointments as the house found them. */
function matches() {
  const number = ticketNumber(q.value);
  const visits = view?.visits.filter(({ ticket }) => ticket === number) ?? [];
  return [
    ...visits.map((visit) => ({ key: visit.visit, visit })),
    ...(finder.answer?.appointments ?? []).map((found) => ({ key: found.appointment, found: current(found) })),
  ];
}

function card() {
  if (!view || !subject) return null;
  if (subject.kind === "appointment") return appointmentCard(current(subject.found), clock.now(), hour, over());
  if (subject.kind === "draw") {
    const service = view.services.find(({ id }) => id === subject.service);
    return service?.walk_ins ? drawCard(service, `${queued(service.waiting)} · ${expected(service)}`) : null;
  }
  const visit = view.visits.find(({ visit: id }) => id === subject.visit);
  return visit ? visitCard(visit, serviceName(visit.service), hour) : null;
}

function possible(act) {
  if (!ready() || performance.now() < settled) return false;
  return act.name !== "draw" || view.takes_tickets;
}

// --- doing it --------------------------------------------------------------------------------------

/** Do one thing, once; resolves to the answer, or to null where there is none. `refused` hears a problem. */
async function ask(path, body, refused = () => {}) {
  busy = true;
  news = done = "";
  render();
  const { answer, problem, status } = await command(`/sites/${site}${path}`, body, () => {
    news = _("No answer yet. We ask again; nothing happens twice.");
    render();
  });
  news = done = "";
  if (status === 401) signedOut = true;
  else if (problem) news = refusal(problem, status);
  else if (answer) await picture(answer.seq);
  else news = _("No answer came. Look the person up: what happened stands there.");
  busy = false;
  render();
  if (problem) refused(problem);
  return answer ?? null;
}

/** Until the desk shows what the house knew at `seq`. */
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

async function step() {
  const now = card();
  if (!now?.go || !possible(now.go)) return;
  const { name, path, service } = now.go;
  if (name === "return") {
    await ask(path, {});
    if (go.hidden) q.focus();
    return;
  }
  const further = chosenServices();
  const body = { ...chosenOptions(), ...(name === "draw" && { service: now.walkIn }) };
  if (further.length) body.then = further;
  const answer = await ask(path, body);
  if (!answer) return;
  made = { ...answer, service };
  fillSlip({ ...made, moment: clock.now(), zone: view.house.time_zone });
  subject = null;
  q.value = "";
  finder.forget();
  settle();
  render();
  (touched ? part("made-number") : q).focus();
}

function openBooking() {
  if (!ready()) return;
  start();
  booking = true;
  resetBooking(view);
  settle();
  render();
  part("booking-form").elements.service.focus();
}

const mayBook = () => ready() && performance.now() >= settled;

async function book() {
  if (!mayBook()) return;
  const body = chosenBooking();
  if (!body) {
    news = _("Choose a service, a day and a time.");
    return render();
  }
  const answer = await ask("/appointments", body, ({ field }) => wrong(field ?? null));
  if (!answer) return;
  booking = false;
  forgetBooking();
  const when = { dateStyle: "full", timeStyle: "short", timeZone: view.house.time_zone };
  coded = {
    ref: answer.ref,
    service: serviceName(body.service),
    when: new Intl.DateTimeFormat(language, when).format(Date.parse(answer.at)),
  };
  settle();
  render();
  part("code").focus();
}

async function act(name) {
  const chosen = card()?.acts.find((one) => one.name === name);
  if (!chosen || !possible(chosen)) return;
  if (chosen.sure && sure !== name) {
    sure = name;
    setTimeout(() => {
      sure = null;
      render();
    }, SURE_MS);
    return render();
  }
  sure = null;
  const { title } = card();
  const answer = await ask(chosen.path, chosen.body);
  // Lateness changes until when the place is kept, which only the house can tell.
  if (answer && subject?.kind === "appointment") finder.ask(q.value.trim() || subject.found.ref, 0);
  if (card()) return undefined;
  if (answer) {
    q.value = "";
    finder.forget();
  }
  start();
  done = answer ? _("%(ticket)s no longer waits.", { ticket: title }) : "";
  return render();
}

function settle() {
  settled = performance.now() + SETTLE_MS;
  setTimeout(enable, SETTLE_MS + 10);
}

function choose(next) {
  leaveBooking();
  subject = next;
  made = null;
  sure = null;
  news = done = "";
  firstWhenFound = false;
  const now = card();
  if (!now) return start();
  const others = view.services.filter(({ walk_ins, id }) => walk_ins && id !== now.walkIn);
  if (now.options) resetOptions(now, others);
  settle();
  render();
  return (now.go ? go : part("back")).focus();
}

const chooseAppointment = (found) => choose({ kind: "appointment", found });
const chooseVisit = (visit) => choose({ kind: "visit", visit });

function chooseFirst() {
  const [first] = matches();
  if (first) {
    if (first.visit) chooseVisit(first.visit.visit);
    else chooseAppointment(first.found);
  }
  firstWhenFound = !first && Boolean(finder.text) && !finder.answer;
}

/** Back to the search, as it was left. */
function back() {
  if (!subject && !made && !booking && !coded && q.value) {
    q.value = "";
    finder.forget();
  }
  start();
}

function start() {
  if (made) finder.forget();
  leaveBooking();
  subject = made = sure = null;
  firstWhenFound = false;
  news = done = "";
  render();
  q.focus();
}

function leaveBooking() {
  booking = false;
  coded = null;
  forgetBooking();
}

function typed() {
  const text = q.value.trim();
  leaveBooking();
  subject = made = sure = null;
  firstWhenFound = false;
  news = done = "";
  finder.ask(text.length < SHORTEST ? "" : text);
  render();
}

// --- showing it ------------------------------------------------------------------------------------

function panel() {
  if (coded) return "coded";
  if (booking) return "booking";
  if (made) return "made";
  if (subject) return "card";
  return q.value.trim() ? "found" : "start";
}

function render() {
  const now = panel();
  document.body.dataset.link = signedOut ? "refused" : live.link;
  document.body.dataset.panel = now;
  document.body.toggleAttribute("data-busy", busy);
  part("clear").hidden = !q.value;
  part("found-part").hidden = now !== "found";
  const nobody = now === "found" && finder.answer !== null && matches().length === 0;
  part("start").hidden = !view || !(now === "start" || nobody);
  part("card").hidden = now !== "card";
  part("made").hidden = now !== "made";
  part("booking").hidden = now !== "booking";
  part("coded").hidden = now !== "coded";
  part("book").hidden = !view?.services.some(({ appointments }) => appointments);
  part("news").toggleAttribute("data-done", !news && Boolean(done));
  say(part("news"), news || done);
  if (view) {
    showGlance(view, hour, chooseVisit);
    showWalkIns(view, noTickets(view, hour, localDay), (id) => ready() && choose({ kind: "draw", service: id }));
    showBooked();
  }
  // A name that is not shown is not kept in the page either.
  if (now !== "found") part("found").replaceChildren();
  if (now !== "card") for (const line of ["card-title", "card-what", "card-place"]) say(part(line), "");
  if (now === "found") {
    const said = { text: q.value.trim(), answer: finder.answer, live: live.link === "live" };
    showFound(matches(), said, { now: clock.now(), hour, serviceName, chooseVisit, chooseAppointment });
  }
  if (now === "card") showCard();
  if (now === "made") showMade();
  showBooking(coded ?? { ref: "", service: "", when: "" });
  enable();
  tick();
}

function showBooked() {
  const booked = view.appointments.filter(({ state }) => state !== "cancelled");
  const left = booked.filter(({ state }) => state === "booked" || state === "confirmed").length;
  const today = booked.length
    ? ngettext("%(number)s appointment today", "%(number)s appointments today", booked.length)
    : _("No appointments today");
  const coming = ngettext("%(number)s not here yet", "%(number)s not here yet", left);
  say(part("booked"), booked.length ? `${today}, ${coming}.` : `${today}.`);
}

function localDay(instant) {
  const zone = { timeZone: view.house.time_zone };
  return new Intl.DateTimeFormat("en-CA", { ...zone, dateStyle: "short" }).format(Date.parse(instant));
}

function showCard() {
  const now = card();
  if (!now) {
    // Who was on the card has gone meanwhile, or the service no longer takes walk-ins.
    if (view && !busy) start();
    return;
  }
  say(part("card-kind"), now.kind === now.title ? "" : now.kind);
  say(part("card-title"), now.title);
  say(part("card-what"), now.what);
  say(part("card-place"), now.place);
  go.hidden = !now.go;
  if (now.go) say(part("go-label"), now.go.label);
  part("options").hidden = !now.options;
  keyed(
    part("acts"),
    now.acts,
    ({ name }) => name,
    ({ name }) => h("button", { type: "button", "data-act": name, click: (event) => event.detail < 2 && act(name) }),
    (button, one) => {
      say(button, sure === one.name ? one.sure : one.label);
      button.toggleAttribute("data-sure", sure === one.name);
      if (one.pressed !== undefined) button.setAttribute("aria-pressed", one.pressed);
    },
  );
}

function showMade() {
  say(part("made-what"), made.service ?? "");
  say(part("made-wait"), made.position === null ? "" : `${ahead(made.position)} ${capital(range(made))}.`);
}

const capital = (text) => text.charAt(0).toLocaleUpperCase() + text.slice(1);

/** Buttons that may not be pressed keep the focus and say so; they only do nothing. */
function enable() {
  const now = card();
  go.setAttribute("aria-disabled", !now?.go || !possible(now.go));
  for (const button of part("acts").children) button.setAttribute("aria-disabled", !possible(button.dataset));
  part("book").setAttribute("aria-disabled", !ready());
  part("booking-go").setAttribute("aria-disabled", !mayBook());
  for (const button of part("walk-ins").children) button.setAttribute("aria-disabled", !ready());
}

/** What changes by itself: the clock, what a slot means by now, the age of the picture. */
function tick() {
  const cut = live.link !== "live" || signedOut;
  part("cut").hidden = !cut;
  part("sign-in").hidden = !(signedOut || live.refusal === 4401);
  if (cut) {
    const [title, text] = trouble(signedOut ? 4401 : live.link === "refused" ? live.refusal : null, view && live.silence());
    say(part("cut-title"), title);
    say(part("cut-text"), text);
  }
  if (!view) return;
  say(part("time"), hour(clock.now()));
  say(part("doors"), doors(view, hour, localDay));
  if (subject) say(part("card-place"), card()?.place ?? "");
}

// --- hands -----------------------------------------------------------------------------------------

function print() {
  if (performance.now() >= settled) window.print();
}

q.addEventListener("input", typed);
part("search").addEventListener("submit", (event) => {
  event.preventDefault();
  if (made) print();
  else if (coded) start();
  else if (subject) step();
  else if (ready()) chooseFirst();
});
part("clear").addEventListener("click", () => {
  q.value = "";
  typed();
  q.focus();
});
go.addEventListener("click", (event) => event.detail < 2 && step());
part("back").addEventListener("click", back);
part("next").addEventListener("click", start);
part("print").addEventListener("click", (event) => event.detail < 2 && print());
part("book").addEventListener("click", (event) => event.detail < 2 && openBooking());
part("booking-form").addEventListener("submit", (event) => {
  event.preventDefault();
  book();
});
part("booking-back").addEventListener("click", back);
part("code-next").addEventListener("click", start);
addEventListener("pointerdown", (event) => {
  touched = event.pointerType === "touch";
});

/** Names do not stay on the glass for who stands in the queue while nobody is at the desk. */
function rest() {
  clearTimeout(resting);
  resting = setTimeout(() => {
    if (booking || busy) return rest();
    q.value = "";
    finder.forget();
    return start();
  }, REST_MS);
}

for (const hand of ["pointerdown", "pointermove", "keydown"]) addEventListener(hand, rest);
rest();

addEventListener("keydown", (event) => {
  touched = false;
  if (event.ctrlKey || event.altKey || event.metaKey) return undefined;
  // A key held down is one press: the large button must not run through its meanings.
  if (event.repeat && (event.key === "Enter" || event.key === " ") && event.target !== q) return event.preventDefault();
  if (event.repeat && event.key === "Enter") return event.preventDefault();
  if (event.key === "Escape") return back();
  if (event.key === "Enter" && event.target === part("persons")) return void step();
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return undefined;
  const list = [q, ...part("found").querySelectorAll("button")];
  const at = list.indexOf(document.activeElement);
  if (panel() !== "found" || at < 0) return undefined;
  event.preventDefault();
  return list[Math.min(list.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)))].focus();
});

render();
q.focus();
setInterval(tick, 250);
renewWishes = callBacks(site, (instant) => {
  const short = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(language, { ...short, timeZone: view?.house.time_zone }).format(Date.parse(instant));
});
