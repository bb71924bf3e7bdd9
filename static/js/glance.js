/** The hall at a glance: what to do about it, who waits for what, what counters do, who is in the house. */

import { _, ngettext } from "./words.js";
import { advice } from "./advice-words.js";
import { doing, group, shortRange } from "./reception-words.js";
import { h, keyed, say } from "./dom.js";

const part = (id) => document.getElementById(id);
const GROUPS = { waiting: "waiting", called: "called", serving: "called", parked: "away", "not-present": "not-present" };

/** Show `view`; `hour` tells an instant, `choose(ticket)` is told which ticket is meant. */
export function showGlance(view, hour, choose) {
  showAdvice(view, hour);
  showQueues(view);
  showCounters(view);
  showPeople(view, choose);
}

function showAdvice(view, hour) {
  const name = (id) => view.services.find((service) => service.id === id)?.name ?? id;
  part("advice").hidden = view.advice.length === 0;
  keyed(
    part("advices"),
    view.advice,
    (one) => one.counter,
    () => h("li", {}, h("b"), " ", h("span")),
    (item, one) => {
      const [what, because] = advice(one, name, hour);
      say(item.children[0], what);
      say(item.children[1], because);
    },
  );
}

function showQueues(view) {
  const busy = view.services.filter((service) => service.waiting > 0);
  say(part("waiting"), String(busy.reduce((sum, service) => sum + service.waiting, 0)));
  say(part("no-queue"), busy.length ? "" : _("Nobody waits."));
  keyed(
    part("queues"),
    busy,
    (service) => service.id,
    () => h("li", {}, h("b"), h("span"), h("small")),
    (item, service) => {
      const [number, name, wait] = item.children;
      say(number, String(service.waiting));
      say(name, service.name);
      say(wait, shortRange(service));
    },
  );
}

function showCounters(view) {
  const open = view.counters.filter((counter) => counter.mode === "open").length;
  say(part("open-counters"), ngettext("%(number)s open", "%(number)s open", open));
  keyed(
    part("counters"),
    view.counters,
    (counter) => counter.counter,
    () => h("li", {}, h("b"), h("span")),
    (item, counter) => {
      item.dataset.mode = counter.ticket ? "busy" : counter.mode;
      const [name, what] = item.children;
      say(name, counter.counter);
      say(what, doing(counter));
    },
  );
}

function showPeople(view, choose) {
  const people = { waiting: [], away: [], "not-present": [], called: [] };
  for (const visit of view.visits) people[GROUPS[visit.status]].push(visit);
  const inside = view.visits.length - people["not-present"].length;
  say(part("people"), String(inside));
  say(part("nobody"), view.visits.length ? "" : _("Nobody is in the house."));
  keyed(
    part("groups"),
    Object.keys(people).filter((status) => people[status].length),
    (status) => status,
    () => h("section", {}, h("h3"), h("ul", { class: "chips" })),
    (item, status) => {
      const [title, chips] = item.children;
      say(title, group(status));
      keyed(
        chips,
        people[status],
        (visit) => visit.visit,
        (visit) => h("li", {}, h("button", { type: "button", click: () => choose(visit.visit) }, visit.ticket)),
        (chip, visit) => chip.toggleAttribute("data-priority", visit.priority),
      );
    },
  );
}
