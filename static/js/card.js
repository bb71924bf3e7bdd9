/** What the desk may do with the one whom it chose: an appointment, a walk-in's service, a ticket. */

import { _, ngettext } from "./words.js";
import { place, whereabouts } from "./reception-words.js";

/**
 * A card about an appointment as the search found it: what it says, its large step and what else.
 * `over` is whether nobody will be called any more today. An act is `{name, label, path, body}`; `sure` asks for a second press, `pressed` makes it a switch.
 */
export function appointmentCard(found, now, hour, over) {
  const at = hour(found.at);
  const path = `/appointments/${encodeURIComponent(found.ref)}`;
  const ahead = found.state === "booked" || found.state === "confirmed";
  const tooLate = found.keeps_until !== null && now > Date.parse(found.keeps_until);
  const stillLater = (minutes) => Date.parse(found.at) + minutes * 60_000 > now;
  const late = (minutes) => ({
    name: `late-${minutes}`,
    label: ngettext("Comes %(number)s minute later", "Comes %(number)s minutes later", minutes),
    path: `${path}/late`,
    body: { minutes },
    pressed: found.late_s === minutes * 60,
  });
  const came = { name: "came", label: _("Was here without reporting"), path: `${path}/came`, body: {} };
  const closed = ahead && over ? _("The house is closed: nobody is called any more today.") : "";
  const noted = found.came ? _("It was noted that the person was here.") : "";
  const missed = found.state === "never" || (ahead && now > Date.parse(found.at));
  return {
    kind: _("Appointment at %(at)s", { at }),
    title: found.name ?? _("Appointment at %(at)s", { at }),
    what: [found.service, found.ref].filter(Boolean).join(" · "),
    place: [closed || place(found, now, hour), noted].filter(Boolean).join(" "),
    go:
      (ahead && !over) || found.visit
        ? {
            name: "report",
            label: ahead ? _("Is here") : _("Show ticket %(ticket)s", { ticket: found.ticket }),
            path: `${path}/report`,
            service: found.service,
          }
        : null,
    options: ahead && !over,
    persons: found.persons,
    language: found.language,
    acts: [...(ahead && !tooLate ? [10, 20, 30].filter(stillLater).map(late) : []), ...(missed && !found.came ? [came] : [])],
  };
}

/** A card about a ticket for who has no appointment. */
export function drawCard(service, wait) {
  return {
    kind: _("Without an appointment"),
    title: service.name,
    what: wait,
    place: "",
    go: { name: "draw", label: _("Give a ticket"), path: "/visits", service: service.discreet ? null : service.name },
    options: true,
    walkIn: service.id,
    persons: 1,
    language: null,
    acts: [],
  };
}

/** A card about somebody in the house, or called in vain. */
export function visitCard(visit, name, hour) {
  const path = `/visits/${visit.visit}`;
  const { status, ticket } = visit;
  const back = status === "parked" || status === "not-present";
  const acts = [];
  if (status === "waiting" || status === "parked") {
    const sure = _("Press again: %(ticket)s no longer waits", { ticket });
    acts.push({ name: "leave", label: _("Waits no longer"), path: `${path}/leave`, body: {}, sure });
  }
  if (status === "waiting" || status === "parked") {
    const body = { priority: !visit.priority };
    acts.push({ name: "priority", label: _("Priority"), path: `${path}/priority`, body, pressed: visit.priority });
  }
  return {
    kind: _("Ticket"),
    title: ticket,
    what: [name, visit.persons > 1 ? ngettext("%(number)s person", "%(number)s people", visit.persons) : ""]
      .filter(Boolean)
      .join(" · "),
    place: whereabouts(visit, hour),
    go: back ? { name: "return", label: _("Is back"), path: `${path}/return`, body: {} } : null,
    options: false,
    acts,
  };
}
