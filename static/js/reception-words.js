/** What the reception desk says: places, waits and refusals in the page's language. */

import { _, language, ngettext } from "./words.js";

const minutes = (seconds) => Math.round(seconds / 60);

/** "5 to 20 minutes", or that nobody can tell. */
export function range({ low_s, high_s }) {
  if (high_s === null) return _("nobody can say how long");
  if (low_s === 0) return ngettext("less than %(number)s minute", "less than %(number)s minutes", minutes(high_s));
  return _("%(low)s to %(high)s minutes", { low: minutes(low_s), high: minutes(high_s) });
}

/** The same where there is little room. */
export function shortRange({ low_s, high_s }) {
  if (high_s === null) return _("no counter open");
  return _("%(low)s–%(high)s min", { low: minutes(low_s), high: minutes(high_s) });
}

export const queued = (number) =>
  number === 0 ? _("nobody waits") : ngettext("%(number)s waits", "%(number)s wait", number);

/** How long who would come now waits for a service. */
export const expected = (service) => (service.high_s === null ? _("no counter open") : range(service));

/** What its place in the order is to who comes now: `found` has at, told_at, keeps_until, late_s and state. */
export function place(found, now, hour) {
  const at = hour(found.at);
  const until = found.keeps_until && hour(found.keeps_until);
  switch (found.state) {
    case "reported":
      if (!found.visit) return _("Was here; the visit is over.");
      return [_("Is here already."), whereabouts(found.visit, hour)].join(" ");
    case "cancelled":
      return _("This appointment was cancelled. The person can still come without an appointment where that is possible.");
    case "never":
      return _("The day ended and this person had not reported.");
    default:
  }
  if (found.keeps_until && now > Date.parse(found.keeps_until)) {
    return _("Too late for the place of %(at)s, which was kept until %(until)s. From now on the person queues with those who come without an appointment.", { at, until });
  }
  if (found.told_at !== null) {
    const told = hour(found.told_at);
    return _("We run late and said %(told)s: the place of %(at)s is kept until %(until)s.", { told, at, until });
  }
  if (found.late_s !== null) {
    return _("Announced to be late: the place of %(at)s is kept until %(until)s.", { at, until });
  }
  if (now < Date.parse(found.at)) return _("In time: is called from %(at)s on, or earlier where nobody else waits.", { at });
  return _("In time: keeps the place of %(at)s.", { at });
}

/** The same in a word, for the list. */
export function mark(found, now, hour) {
  if (found.state === "reported") {
    const { ticket } = found;
    return found.visit ? _("is here: %(ticket)s", { ticket }) : _("visit over: %(ticket)s", { ticket });
  }
  if (found.state === "cancelled") return _("cancelled");
  if (found.state === "never") return _("did not report");
  if (found.keeps_until && now > Date.parse(found.keeps_until)) return _("too late");
  if (found.told_at !== null) return _("we said %(told)s", { told: hour(found.told_at) });
  if (found.late_s !== null) return ngettext("%(number)s minute later", "%(number)s minutes later", minutes(found.late_s));
  return "";
}

/** Where somebody in the house is. */
export function whereabouts(visit, hour) {
  const { counter } = visit;
  switch (visit.status) {
    case "called":
      return _("Called to counter %(counter)s", { counter });
    case "serving":
      return _("At counter %(counter)s", { counter });
    case "parked":
      return _("Away for a moment; comes back to counter %(counter)s", { counter });
    case "not-present":
      return _("Was called to counter %(counter)s and did not come", { counter });
    default: {
      if (visit.slot_at) return _("Waits, with an appointment at %(at)s", { at: hour(visit.slot_at) });
      return _("Waits since %(at)s", { at: hour(visit.reported_at) });
    }
  }
}

export const group = (status) =>
  ({
    waiting: _("Waiting"),
    called: _("At a counter"),
    away: _("Away for a moment"),
    "not-present": _("Called in vain"),
  })[status];

/** What a counter does, in a word or two. */
export function doing({ mode, ticket, status }) {
  if (ticket) return status === "called" ? _("calls %(ticket)s", { ticket }) : ticket;
  return { open: _("free"), paused: _("pause"), closed: _("closed") }[mode];
}

/** When the doors open or close next, and whether tickets are given. */
export function doors({ house, takes_tickets }, hour, day) {
  const at = house.changes_at && hour(house.changes_at);
  if (house.state === "ended") return _("The day is over");
  if (house.state === "open") return _("Open until %(at)s", { at });
  if (takes_tickets) return _("The doors open at %(at)s", { at });
  if (!at) return _("Closed");
  const today = day(house.changes_at) === house.date;
  return today ? _("Closed until %(at)s", { at }) : _("Closed");
}

/** Why there are no tickets for walk-ins now; empty where there are. */
export function noTickets({ house, takes_tickets }, hour, day) {
  if (takes_tickets) return "";
  const at = house.changes_at && hour(house.changes_at);
  if (house.state === "ended") return _("The day is over: no more tickets today.");
  if (house.state === "open") return _("No more tickets: the house closes at %(at)s. Who is inside is still served.", { at });
  if (at && day(house.changes_at) === house.date) return _("No tickets now: the house is closed until %(at)s.", { at });
  return _("No tickets: the house is closed.");
}

export function ahead(position) {
  if (position === 1) return _("Nobody goes before.");
  return ngettext("%(number)s ticket goes before.", "%(number)s tickets go before.", position - 1);
}

/** Languages of our halls that a browser may have no name for. */
const UNNAMED = { zgh: "Tamazight" };

/** A language by its own code, in the words of the page. */
export function tongue(code) {
  try {
    const told = new Intl.DisplayNames(language, { type: "language" }).of(code);
    return told === code ? UNNAMED[code] ?? code : told;
  } catch {
    return code;
  }
}

/** What a refusal means at the desk, by its stable code and facts. */
export function refusal({ code, field, ticket = _("This ticket") } = {}, status) {
  const fields = {
    "contact.phone": _("This is no telephone number of this country; put + and the country code before one of another."),
    wall: _("The clock does not show this time on that day, or shows it twice."),
  };
  if (fields[field]) return fields[field];
  const sentences = {
    "unknown-ticket": _("%(ticket)s is not of today.", { ticket }),
    "not-waiting": _("%(ticket)s does not wait (any more).", { ticket }),
    "not-away": _("%(ticket)s was not away.", { ticket }),
    "visit-over": _("The visit of %(ticket)s is over.", { ticket }),
    "unknown-appointment": _("This appointment is not known (any more)."),
    "appointment-cancelled": _("This appointment was cancelled."),
    "appointment-not-today": _("This appointment is not for today."),
    "appointment-reported": _("This person is here already."),
    "appointment-over": _("The day of this appointment is over."),
    "slot-past": _("This time has passed."),
    "slot-too-far": _("This day is more than two years ahead."),
    "service-takes-no-appointments": _("This service takes no appointments."),
    "unknown-service": _("This service does not exist (any more)."),
    "no-walk-ins": _("This service is by appointment only."),
    "house-closed": _("No tickets now: the house is closed or closes soon."),
    "day-over": _("The day is over."),
    "not-allowed": _("With this sign-in you may not do that."),
  };
  return sentences[code] ?? _("That did not work (%(code)s).", { code: code ?? status });
}

/** Why nothing can be done: a title and a sentence. `age_s` is how old the picture is, null before the first. */
export function trouble(refused, age_s) {
  if (refused === 4401) return [_("You are signed out"), _("Nothing can be sent until you sign in again; what you typed stays until then.")];
  if (refused) return [_("No access"), _("With this sign-in you may not work at the reception.")];
  if (age_s === null) return [_("Connecting …"), ""];
  const seconds = Math.floor(age_s);
  const age = ngettext("What you see is %(number)s second old.", "What you see is %(number)s seconds old.", seconds);
  const rest = _("Nothing can be sent now; what you typed stays, and the desk comes back by itself.");
  return [_("No connection"), `${age} ${rest}`];
}
