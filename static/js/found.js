/** Whom one may choose at the desk: those who fit what was typed, or what a walk-in comes for. */

import { _, ngettext } from "./words.js";
import { SHORTEST, ticketNumber } from "./finder.js";
import { expected, mark, queued, whereabouts } from "./reception-words.js";
import { h, keyed, say } from "./dom.js";

const part = (id) => document.getElementById(id);

/**
 * Show `items`, each `{key, visit}` or `{key, found}`, and say how the search stands: `answer` is null
 * where it is still awaited.
 */
export function showFound(items, { text, answer, live }, { now, hour, serviceName, chooseVisit, chooseAppointment }) {
  const [title, help] = outcome(items, text, answer, live);
  say(part("found-title"), title);
  say(part("found-help"), help);
  keyed(
    part("found"),
    items,
    ({ key }) => key,
    () => h("li", {}, h("button", { type: "button" }, h("time"), h("b"), h("span"), h("small"))),
    (item, { visit, found }) => {
      const [button] = item.children;
      const [when, who, what, state] = button.children;
      button.onclick = (event) => event.detail < 2 && (visit ? chooseVisit(visit.visit) : chooseAppointment(found));
      say(when, visit ? visit.ticket : hour(found.at));
      say(who, visit ? whereabouts(visit, hour) : (found.name ?? _("Appointment without a name")));
      say(what, visit ? serviceName(visit.service) : [found.service, found.ref].filter(Boolean).join(" · "));
      say(state, visit ? "" : mark(found, now, hour));
    },
  );
}

function outcome(items, text, answer, live) {
  if (text.length < SHORTEST) return [_("Type at least two letters or digits."), ""];
  if (items.length) {
    const similar = answer?.similar ? _("Nobody is called exactly so; these sound alike.") : "";
    const more = answer?.more ? _("There are more. Type on to find the right one.") : similar;
    return [answer?.more ? _("More than %(number)s found", { number: items.length }) : ngettext("%(number)s found", "%(number)s found", items.length), more];
  }
  if (!answer) return [live ? _("Searching …") : _("Will be looked for as soon as the connection is back."), ""];
  const ticket = ticketNumber(text);
  const help = ticket
    ? _("%(ticket)s is not in the house: it was not given today, or the visit is over.", { ticket })
    : _("Try the time of the appointment, or the code of the confirmation. Some appointments can be found only so. Who has none can take a ticket.");
  return [_("Nobody found for “%(text)s”", { text }), help];
}

/** The services that take walk-ins, as large buttons; or `closed`, why there are no tickets. */
export function showWalkIns(view, closed, choose) {
  const services = view.services.filter((service) => service.walk_ins);
  say(part("no-tickets"), services.length ? closed : _("Every service of this house is by appointment only."));
  keyed(
    part("walk-ins"),
    closed ? [] : services,
    (service) => service.id,
    ({ id }) => h("button", { type: "button", click: (event) => event.detail < 2 && choose(id) }, h("b"), h("small")),
    (button, service) => {
      say(button.children[0], service.name);
      say(button.children[1], `${queued(service.waiting)} · ${expected(service)}`);
    },
  );
}
