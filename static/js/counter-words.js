/** All wording of the counter panel that depends on what happens; the template has the rest. */

import { _, language, ngettext } from "./words.js";

const listed = new Intl.ListFormat(language, { type: "conjunction" });
const languages = new Intl.DisplayNames(language, { type: "language" });

/** A time of day in a sentence; `time` is as on a clock: "09:15". */
export function spoken(time) {
  const [hour, minute] = time.split(":");
  return _("%(hour)s:%(minute)s", { hour: Number(hour), minute });
}

/** "A010, A011 and 3 others". */
function some(tickets) {
  const [named, rest] = [tickets.slice(0, 3), tickets.length - 3];
  if (rest > 0) named.push(ngettext("%(number)s other", "%(number)s others", rest));
  return listed.format(named);
}

/** Why a ticket is (or was) next. `ticket` has rule, slot_at and reported_at; `hour` tells an instant. */
export function because(ticket, hour) {
  switch (ticket.rule) {
    case "again":
      return _("Came back or was sent on, and keeps the old place.");
    case "priority":
      return _("Has priority.");
    case "overdue":
      return _("Waits longer than the limit (since %(time)s) and now goes before the appointments.", {
        time: hour(ticket.reported_at),
      });
    case "appointment":
      return _("Appointment at %(time)s.", { time: hour(ticket.slot_at) });
    case "walk-in":
      return ticket.slot_at
        ? _("Came after the appointment at %(slot)s and waits since %(time)s, as without appointment.", {
            slot: hour(ticket.slot_at),
            time: hour(ticket.reported_at),
          })
        : _("Without appointment, waiting since %(time)s.", { time: hour(ticket.reported_at) });
    case "early":
      return _("Early for the appointment at %(time)s.", { time: hour(ticket.slot_at) });
    case "overflow":
      return _("From the express desk; nobody waits for this counter itself.");
    default:
      return _("Called by number.");
  }
}

/** Whom it passes, and why those who are only `helped` here come later; empty where it passes nobody. */
export function passing(rule, tickets, helped) {
  if (!tickets.length) return "";
  // Who is called by number may have stood anywhere in the order.
  if (rule === "asked") return _("Reported earlier: %(tickets)s.", { tickets: some(tickets) });
  const [own, others] = [tickets.filter((ticket) => !helped.has(ticket)), tickets.filter((ticket) => helped.has(ticket))];
  const said = [];
  if (own.length) said.push(_("Goes before %(tickets)s.", { tickets: some(own) }));
  if (others.length) {
    said.push(
      ngettext(
        "%(tickets)s is for the express desk: here only when nobody else waits.",
        "%(tickets)s are for the express desk: here only when nobody else waits.",
        others.length,
        { tickets: some(others) },
      ),
    );
  }
  return said.join(" ");
}

/** The same rules in a word or two, for the queue. */
export function standing(ticket, hour) {
  switch (ticket.rule) {
    case "again":
      return _("back");
    case "priority":
      return ticket.slot_at
        ? _("priority, appointment %(time)s", { time: hour(ticket.slot_at) })
        : _("priority");
    case "overdue":
      return _("waits long");
    case "appointment":
      return _("appointment %(time)s", { time: hour(ticket.slot_at) });
    case "walk-in":
      return ticket.slot_at ? _("after the appointment at %(time)s", { time: hour(ticket.slot_at) }) : _("without appointment");
    case "early":
      return _("early for %(time)s", { time: hour(ticket.slot_at) });
    case "overflow":
      return _("express desk");
    default:
      return ticket.rule;
  }
}

/** What else staff should know before the person stands there, each in a few words. */
export function company({ bound, accompanied, persons, language: tag }) {
  const facts = [];
  if (bound) facts.push(_("only with you"));
  if (accompanied) facts.push(_("accompanied by a colleague"));
  if (persons > 1) facts.push(ngettext("%(number)s person", "%(number)s persons", persons));
  if (tag && tag.split("-")[0] !== language.split("-")[0]) {
    facts.push(_("speaks %(language)s", { language: tongue(tag) }));
  }
  return facts;
}

function tongue(tag) {
  try {
    return languages.of(tag);
  } catch {
    return tag;
  }
}

export const words = {
  title: (counter, ticket) =>
    ticket
      ? _("%(ticket)s – Counter %(counter)s", { ticket, counter })
      : _("Counter %(counter)s", { counter }),
  connecting: _("Connecting …"),
  cut: _("No connection"),
  cutText: (seconds, asking) =>
    asking
      ? ngettext(
          "What you see is %(number)s second old. What you pressed last is asked again; wait a moment.",
          "What you see is %(number)s seconds old. What you pressed last is asked again; wait a moment.",
          seconds,
        )
      : ngettext(
          "What you see is %(number)s second old. You can do nothing now; the counter comes back by itself.",
          "What you see is %(number)s seconds old. You can do nothing now; the counter comes back by itself.",
          seconds,
        ),
  refused: {
    4403: [_("No access"), _("With this sign-in you may not run this counter.")],
    4404: [_("Unknown counter"), _("This counter is not in the configuration of the house.")],
  },
  mode: { open: _("Open"), paused: _("Pause"), closed: _("Closed"), finishing: _("Pause after this person") },
  stage: {
    closed: () => _("This counter is closed"),
    ended: () => _("The day is over"),
    paused: () => _("This counter has a pause"),
    idle: () => _("Nobody waits for this counter"),
    early: () => _("Nobody waits yet"),
    done: () => _("Nobody waits any more"),
    next: () => _("Next"),
    called: (time) => _("Called, %(time)s ago", { time }),
    serving: (time) => _("At the counter, for %(time)s", { time }),
  },
  step: {
    closed: _("Open the counter"),
    ended: _("Open the counter"),
    paused: _("Open the counter again"),
    idle: _("Call the next"),
    done: _("Close the counter"),
    called: _("The person is here"),
    serving: _("Done"),
  },
  told: {
    next: (ticket) => _("Next: %(ticket)s", { ticket }),
    called: (ticket) => _("Called: %(ticket)s", { ticket }),
    serving: (ticket) => _("At the counter: %(ticket)s", { ticket }),
  },
  callNext: (ticket) => _("Call %(ticket)s", { ticket }),
  quiet: (stage, people) => {
    if (stage === "idle") return _("As soon as somebody reports, the ticket appears here.");
    if (stage === "done") return _("The house is closed.");
    if (people === 0) return _("Nobody waits for this counter.");
    return ngettext(
      "%(number)s ticket waits for this counter.",
      "%(number)s tickets wait for this counter.",
      people,
    );
  },
  opens: (day, time) => _("The house opens on %(day)s at %(time)s.", { day, time }),
  opensToday: (time) => _("The house opens today at %(time)s.", { time }),
  late: (recalls) =>
    recalls ? _("Not here yet? Recall.") : _("Still not here? Recall once more, or note as not present."),
  goesOn: (service) => _("Done, goes on with %(service)s", { service }),
  also: (service) => _("also for %(service)s", { service }),
  priority: _("priority"),
  slot: (hour) => _("appointment %(time)s", { time: hour }),
  recalled: (times) => ngettext("recalled %(number)s time", "recalled %(number)s times", times),
  recallFirst: (times) =>
    ngettext("first recall %(number)s more time", "first recall %(number)s more times", times),
  minutes: (number) => _("%(number)s min", { number }),
  more: (people) => ngettext("and %(number)s more ticket", "and %(number)s more tickets", people),
  later: (hour, service, minutes) =>
    _("%(hour)s: %(service)s, about %(minutes)s min later", { hour, service, minutes }),
  away: {
    parked: (hour) => _("away since %(time)s", { time: hour }),
    "not-present": (hour) => _("not present at %(time)s", { time: hour }),
  },
  call: _("Call"),
  mark: _("Priority"),
  returned: _("Is back"),
  bind: _("Stays with me"),
  free: _("Anyone may help"),
  boundFirst: (tickets) =>
    ngettext(
      "%(tickets)s waits only for you: call it, or let anyone help.",
      "%(tickets)s wait only for you: call them, or let anyone help.",
      tickets.length,
      { tickets: some(tickets) },
    ),
  firstFinish: (ticket) => _("First finish with %(ticket)s.", { ticket }),
  needsName: _("For that the counter has to be opened under your name."),
  undo: (what, left) => (left ? _("%(what)s (%(left)s left)", { what, left }) : what),
  undone: {
    "counter-opened": _("Undo the opening"),
    "counter-paused": _("Undo the pause"),
    "counter-closed": _("Undo the closing"),
    called: _("Undo the call"),
    recalled: _("Undo the recall"),
    "service-started": _("Undo “The person is here”"),
    "service-finished": _("Undo “Done”"),
    "not-present": _("Undo “Not present”"),
    parked: _("Undo “Away for a moment”"),
    transferred: _("Undo the sending on"),
  },
  undoLast: _("Undo the last"),
  sendOn: (ticket) => _("Send on: %(ticket)s", { ticket }),
  sentOn: (ticket, where, accompanied) =>
    accompanied
      ? _("%(ticket)s goes to %(where)s. You walk along.", { ticket, where })
      : _("%(ticket)s goes to %(where)s.", { ticket, where }),
  chooseWhere: _("Choose first where to."),
  serves: (names) => some(names),
  toCounter: (counter, mode) =>
    mode === "paused" ? _("Counter %(counter)s (pause)", { counter }) : _("Counter %(counter)s", { counter }),
  unsure: _("No answer yet. We ask again; nothing happens twice."),
  unknown: _("No answer came. Look above: as soon as there is a connection again, it says what happened."),
  nobody: _("Nobody waits."),
  failed: (code) => _("That did not work (%(code)s).", { code }),
};

/** "c4" as it stands on paper: "C004". What is no letter with a number stays as it was typed. */
export function ticketNumber(typed) {
  const [, range, number] = /^([A-Z]+)[ -]?(\d+)$/.exec(typed.trim().toUpperCase()) ?? [];
  return range ? range + number.padStart(3, "0") : typed.trim().toUpperCase();
}

/** What a refusal means to who stands at the counter, by its stable code and facts. */
export function refusal({ code, ticket, counter, status } = {}, httpStatus) {
  const which = { ticket: ticket ?? _("This ticket") };
  const sentences = {
    "unknown-ticket": _("%(ticket)s was not issued today.", which),
    "not-waiting": _("%(ticket)s does not wait (any more).", which),
    "not-away": _("%(ticket)s was not away.", which),
    "visit-over": _("%(ticket)s has been helped or has left.", which),
    "not-this-counter": _("%(ticket)s is not for this counter.", which),
    "counter-not-open": counter ? _("Counter %(counter)s is not open.", { counter }) : _("The counter is not open."),
    "counter-busy": ticket
      ? _("%(ticket)s is at this counter already.", which)
      : _("There is somebody at this counter already."),
    "nobody-at-counter": _("There is nobody at this counter."),
    "not-called": _("%(ticket)s is being helped already.", which),
    "recall-first": _("First recall %(ticket)s.", which),
    "bad-transfer": _("Choose one service or one other counter."),
    "unknown-service": _("There is no such service."),
    "unknown-counter": _("There is no such counter."),
    "nothing-to-undo": _("There is nothing to undo."),
    "undo-too-late": _("That is too long ago to undo."),
    "undo-moved-on": _("Not possible any more: meanwhile something else happened with this ticket."),
    "not-allowed": _("With this sign-in you may not do that."),
    "day-over": _("The day is over."),
    "house-closed": _("The house is closed."),
  };
  return sentences[code] ?? words.failed(code ?? httpStatus ?? status);
}
