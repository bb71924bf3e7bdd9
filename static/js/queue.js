/** Who waits for the counter and who is away from it, each with what may be done about them. */

import { company, standing, words } from "./counter-words.js";
import { h, keyed, say } from "./dom.js";

const part = (id) => document.getElementById(id);

/**
 * Show the lists of `view`. `tell` has `service(id)` and `hour(instant)` in words; `hands` has
 * `possible(act)` and `call`, `priority`, `free`, `back`, each of which does that to a ticket.
 */
export function showLists(view, tell, hands) {
  say(part("waiting"), String(view.waiting));
  const more = view.waiting - view.queue.length;
  say(part("more"), more > 0 ? words.more(more) : "");
  keyed(part("queue"), view.queue, named, (ticket) => waiting(ticket.ticket, hands), (item, ticket) => {
    const [number, service, why, free, mark] = item.children;
    say(number, ticket.ticket);
    say(service, tell.service(ticket.service));
    say(why, [standing(ticket, tell.hour), ...company(ticket)].join("\u00a0· "));
    free.hidden = !ticket.bound;
    mark.setAttribute("aria-pressed", ticket.priority);
  });
  part("away-part").hidden = view.away.length === 0;
  keyed(part("away"), view.away, named, (ticket) => away(ticket.ticket, hands), (item, ticket) => {
    const [number, service, why] = item.children;
    say(number, ticket.ticket);
    say(service, tell.service(ticket.service));
    say(why, words.away[ticket.status](tell.hour(ticket.since)));
  });
}

const named = (ticket) => ticket.ticket;

function waiting(ticket, hands) {
  const free = button("bind", words.free, `${words.free}: ${ticket}`, hands, () => hands.free(ticket));
  free.className = "free";
  const mark = button("priority", words.mark, `${words.mark} ${ticket}`, hands, () =>
    hands.priority(ticket, mark.getAttribute("aria-pressed") !== "true"),
  );
  return h("li", {}, h("b"), h("span"), h("small"), free, mark, caller(ticket, hands));
}

function away(ticket, hands) {
  const back = button("return", words.returned, `${ticket} ${words.returned.toLowerCase()}`, hands, () =>
    hands.back(ticket),
  );
  return h("li", {}, h("b"), h("span"), h("small"), back, caller(ticket, hands));
}

function caller(ticket, hands) {
  return button("call", words.call, `${words.call} ${ticket}`, hands, () => hands.call(ticket));
}

function button(kind, text, label, hands, press) {
  const click = (event) => event.detail < 2 && hands.possible(kind) && press();
  return h("button", { type: "button", "data-kind": kind, "aria-label": label, click }, text);
}
