/** The supervisor's overview: what is wrong now in words, then the numbers, then who and what does what. */

import { advice } from "./advice-words.js";
import { History } from "./alert-history.js";
import { offerAlerts } from "./alert-recipients.js";
import { showCalibration } from "./calibration.js";
import { HouseClock } from "./clock.js";
import { h, keyed, say } from "./dom.js";
import { LOST_S, Live, STALE_S } from "./live.js";
import { doing, sound, state, title, told } from "./management-words.js";
import { _, language, ngettext } from "./words.js";

const NOTHING = "–";
/** The kinds of alert that leave people without help or without a call; the others are a shade quieter. */
const GRAVE = new Set(["no-counter", "screen-silent", "panel-silent"]);

const { site, house: houseName } = document.body.dataset;
const part = (id) => document.getElementById(id);
const clock = new HouseClock();
let view = null;
let standing = null;

const live = new Live(`${site}/management`, {
  beat: (frame) => clock.set(frame.at, frame.view?.house ?? view?.house),
  view: (frame) => {
    view = frame.view;
    render();
  },
  changed: () => {
    document.body.dataset.link = live.link;
    tick();
  },
});

// --- words for moments and amounts -----------------------------------------------------------------

const minutes = (seconds) => _("%(minutes)s min", { minutes: Math.floor(seconds / 60) });
const lasting = (instant) => (instant ? minutes(clock.since(instant)) : NOTHING);
const percent = (number) => `${number}\u00a0%`;
const share = (within, called) => (called ? percent(Math.floor((100 * within) / called)) : NOTHING);
const milliseconds = (ms) => (ms === null ? NOTHING : _("%(ms)s ms", { ms }));

/** "09:15", and the day where it is another one. */
function when(instant) {
  if (!instant) return NOTHING;
  const zone = { timeZone: view.house.time_zone };
  const day = (moment) => new Intl.DateTimeFormat("sv-SE", zone).format(moment);
  const time = clock.time(instant);
  if (day(Date.parse(instant)) === day(clock.now())) return time;
  const weekday = new Intl.DateTimeFormat(language, { weekday: "long", ...zone }).format(Date.parse(instant));
  return `${weekday} ${time}`;
}

function range(low_s, high_s) {
  if (low_s === null) return NOTHING;
  return _("%(low)s to %(high)s min", { low: Math.floor(low_s / 60), high: Math.ceil(high_s / 60) });
}

const names = {
  service: (id) => view.services.find((service) => service.id === id)?.name ?? id,
  screen: (id) => view.screens.find((screen) => screen.kind === "screen" && screen.id === id)?.name ?? id,
  /** Whether a screen of the configuration was ever heard, this run of the server. */
  known: (id) => view.screens.some((screen) => screen.kind === "screen" && screen.id === id && screen.heard_at),
  closed: (id) => view.counters.filter(({ services, mode }) => services.includes(id) && mode !== "open"),
  serving: (id) =>
    view.counters
      .filter((counter) => counter.services.includes(id))
      .map(({ counter }) => _("counter %(counter)s", { counter })),
};

const history = new History(site, part("history"), {
  what: (alert) => told(alert, names)[0],
  when,
  ready: () => view !== null,
});
showCalibration(site, part("calibration"), part("calibration-none"));
offerAlerts(site, part("recipients"), part("tell"));

// --- what is wrong ---------------------------------------------------------------------------------

const about = (alert) => `${alert.kind} ${alert.service ?? alert.screen ?? alert.counter ?? alert.channel ?? ""}`;

/** The head of the page in words: [state, title, text]. */
function verdict() {
  const age = document.body.dataset.age;
  if (!view) return ["unknown", _("One moment"), _("The figures are on their way.")];
  if (age !== "fresh" && !view.alerts.length) {
    return ["unknown", _("What is wrong now is not known."), _("When the last figures came, nothing was.")];
  }
  const { length } = view.alerts;
  if (length) {
    const many = ngettext("%(number)s thing is wrong now", "%(number)s things are wrong now", length);
    return ["wrong", many, age === "fresh" ? "" : _("So it was when the last figures came.")];
  }
  if (view.house.state === "ended") return ["rest", _("The day is over."), opening()];
  if (view.house.state === "closed") return ["rest", _("The house is closed."), opening()];
  if (view.advice.length) {
    return ["busy", _("Nothing is wrong, but another counter would help."), _("Which one, and why, stands below.")];
  }
  const fine = _("Waits are within their limits, and whoever waits has an open counter.");
  const quiet = view.today.visits ? fine : _("Nobody has reported yet today.");
  return ["fine", _("Nothing is wrong."), quiet];
}

function opening() {
  return view.house.changes_at ? _("It opens %(when)s.", { when: when(view.house.changes_at) }) : "";
}

function showAlerts() {
  const [kind, head, text] = verdict();
  part("wrong").dataset.state = kind;
  say(part("wrong-title"), head);
  say(part("wrong-text"), text);
  if (!view) return;
  keyed(
    part("alerts"),
    view.alerts,
    about,
    () => h("li", {}, h("b"), h("p"), h("small")),
    (item, alert) => {
      const [what, next, since] = item.children;
      const [wrong, todo] = told(alert, names);
      item.dataset.kind = alert.kind;
      item.dataset.grave = GRAVE.has(alert.kind);
      say(what, wrong);
      say(next, todo);
      say(since, details(alert));
    },
  );
}

function showAdvice() {
  part("advice").hidden = view.advice.length === 0;
  keyed(
    part("advices"),
    view.advice,
    (one) => one.counter,
    () => h("li", {}, h("b"), h("p")),
    (item, one) => advice(one, names.service, when).forEach((text, place) => say(item.children[place], text)),
  );
}

/** Since when, and how many people it is about. */
function details(alert) {
  const since = _("since %(when)s", { when: when(alert.since) });
  const service = view.services.find(({ id }) => id === alert.service);
  if (!service?.waiting) return since;
  const many = ngettext("%(number)s person waits", "%(number)s people wait", service.waiting);
  const longest = _("the longest %(wait)s", { wait: lasting(service.longest_since) });
  return `${since} · ${many}, ${longest}`;
}

/** Tell a screen reader what is newly wrong, or that nothing is any more; never what merely goes on. */
function announce() {
  const now = new Map(view.alerts.map((alert) => [about(alert), told(alert, names)[0]]));
  if (standing) {
    const fresh = [...now].filter(([key]) => !standing.has(key)).map(([, text]) => text);
    if (fresh.length) say(part("news"), fresh.join(" "));
    else if (standing.size && !now.size) say(part("news"), _("Nothing is wrong any more."));
  }
  if (!standing || [...now.keys()].join() !== [...standing.keys()].join()) history.soon();
  standing = now;
  const count = now.size ? `(${now.size}) ` : "";
  const name = _("Overview");
  document.title = `${count}${name} – ${houseName}`;
}

// --- numbers and tables ----------------------------------------------------------------------------

function showNumbers() {
  const { today, level, services } = view;
  const booked = view.waiting.filter((ticket) => ticket.slot_at).length;
  say(part("waiting"), String(today.waiting));
  say(part("waiting-more"), ngettext("%(number)s by appointment", "%(number)s by appointment", booked));
  const [longest] = services
    .filter((service) => service.longest_since)
    .sort((a, b) => (a.longest_since < b.longest_since ? -1 : 1));
  say(part("longest"), lasting(longest?.longest_since));
  say(part("longest-more"), longest?.name ?? "");
  say(part("served"), String(today.served));
  say(part("served-more"), ngettext("of %(number)s who came", "of %(number)s who came", today.visits));
  say(part("left"), String(today.left + today.not_present));
  say(part("left-more"), _("%(number)s of them called in vain", { number: today.not_present }));
  say(part("level"), share(level.within, level.called));
  const limit = level.within_s / 60;
  say(part("level-more"), level.called ? denominator(level, limit) : _("Nobody has been called yet."));
  document.body.dataset.level = level.called && 100 * level.within < level.aim_percent * level.called ? "low" : "met";
  say(part("in-time"), _("Called within %(limit)s min", { limit }));
  say(part("late"), String(today.late_now));
  say(part("late-more"), ngettext("of %(number)s appointment", "of %(number)s appointments", today.booked));
}

/** The service level in words: of whom it is a share, and what is aimed at. */
function denominator({ called, within, aim_percent: aim }, limit) {
  const of = ngettext(
    "%(within)s of the %(number)s person who was called waited at most %(limit)s min.",
    "%(within)s of the %(number)s people who were called waited at most %(limit)s min.",
    called,
    { within, limit },
  );
  const rest = _("The aim is %(aim)s. Who still waits or left before is not counted.", { aim: percent(aim) });
  return `${of} ${rest}`;
}

/** A table's rows: the first cell is the row's header; `cells(item)` gives the texts. */
function rows(id, items, key, figures, cells, mark = () => "") {
  const make = () => h("tr", {}, h("th", { scope: "row" }), ...figures.map((figure) => h("td", figure ? { class: "figure" } : {})));
  keyed(part(id), items, key, make, (row, item) => {
    cells(item).forEach((text, place) => say(row.children[place], text));
    row.dataset.mark = mark(item);
  });
}

function showTables() {
  const wrong = new Set(view.alerts.map(about));
  const shares = new Map(view.level.services.map((line) => [line.service, line]));
  rows(
    "services",
    view.services,
    (service) => service.id,
    [true, true, true, true, true],
    (service) => {
      const { called = 0, within = 0 } = shares.get(service.id) ?? {};
      return [
        service.name,
        String(service.waiting),
        lasting(service.longest_since),
        range(service.low_s, service.high_s),
        String(service.open_counters),
        called ? _("%(within)s of %(called)s", { within, called }) : NOTHING,
      ];
    },
    (service) =>
      [
        wrong.has(`no-counter ${service.id}`) && "counters",
        wrong.has(`wait ${service.id}`) && "wait",
        !service.waiting && !service.open_counters && "quiet",
      ]
        .filter(Boolean)
        .join(" "),
  );
  rows(
    "counters",
    view.counters,
    (counter) => counter.counter,
    [false, false, true, true],
    (counter) => {
      const since = counter.status_since ?? counter.since;
      return [counter.counter, doing(counter), counter.ticket ?? NOTHING, when(since), lasting(since)];
    },
    (counter) => counter.mode,
  );
  rows(
    "screens",
    // A panel that was never heard is none of ours: counters may be run by other programs.
    view.screens.filter((screen) => screen.kind !== "panel" || screen.heard_at),
    (screen) => `${screen.kind} ${screen.id}`,
    [false, true, true, false, false, true, true],
    (screen) => [
      title(screen),
      state(screen),
      when(screen.heard_at),
      when(screen.painted_at),
      screen.sounded ? _("%(ticket)s at %(when)s", { ticket: screen.sounded.ticket, when: when(screen.sounded.at) }) : NOTHING,
      sound(screen),
      milliseconds(screen.p50_ms),
      milliseconds(screen.p99_ms),
    ],
    (screen) => screen.state,
  );
  rows(
    "late-list",
    view.late,
    (line) => line.appointment,
    [false, true, false],
    (line) => {
      const late = lasting(line.at);
      const said = line.late_s === null ? late : _("%(late)s, announced", { late });
      return [when(line.at), line.service === null ? _("discreet") : names.service(line.service), said, line.appointment];
    },
  );
  const more = view.today.late_now - view.late.length;
  say(
    part("late-rest"),
    more > 0
      ? ngettext("and %(number)s more", "and %(number)s more", more)
      : view.late.length
        ? ""
        : _("Nobody is late."),
  );
}

// --- the line --------------------------------------------------------------------------------------

/** The words over the page while nobody can say whether it is right: [title, text]. */
function cutOff(silence) {
  if (live.link === "refused" && live.refusal === 4401) {
    return [_("Your session has ended."), _("The figures below are old.")];
  }
  if (live.link === "refused") return [_("You may not see this overview any more."), _("The figures below are old.")];
  const wait = _("The connection comes back by itself.");
  if (!view) return [_("No connection with the server."), wait];
  const age = _("These figures are %(seconds)s seconds old.", { seconds: Math.floor(silence) });
  if (silence >= LOST_S) {
    const look = _("Go and look in the hall; do not go by this page.");
    return [_("No connection with the server."), `${age} ${look}`];
  }
  return [_("The connection is cut."), `${age} ${wait}`];
}

function showLine() {
  const silence = live.silence();
  const { dataset } = document.body;
  const old = live.link === "refused" ? "lost" : silence >= LOST_S ? "lost" : silence >= STALE_S ? "stale" : "fresh";
  dataset.age = old;
  const cut = old !== "fresh" || live.link === "cut";
  part("cut").hidden = !cut;
  part("cut-way").hidden = !(live.link === "refused" && live.refusal === 4401);
  if (!cut) return;
  const [head, text] = cutOff(silence);
  say(part("cut-title"), head);
  say(part("cut-text"), text);
}

function showHouse() {
  const { state: now, changes_at } = view.house;
  const time = changes_at ? when(changes_at) : "";
  const said =
    now === "open"
      ? _("Open until %(when)s", { when: time })
      : now === "ended"
        ? _("The day is over")
        : _("Closed");
  part("mode").dataset.mode = now;
  say(part("mode"), said);
  say(part("time"), clock.time(clock.now()));
}

function render() {
  tick();
  announce();
}

/** Everything that time alone changes is said again; what it does not change stays untouched. */
function tick() {
  showLine();
  showAlerts();
  if (!view) return;
  showAdvice();
  showHouse();
  showNumbers();
  showTables();
}

tick();
setInterval(tick, 1000);
