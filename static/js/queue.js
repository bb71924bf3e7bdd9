/** Who waits for the counter and who is away from it, each with what may be done about them. */

import { company, standing, words } from "./counter-words.js";
import { h, keyed, say } from "./dom.js";

/** After a row came to stand elsewhere, a press on it was meant for who stood there before (ms). */
const REST_MS = 400;

const part = (id) => document.getElementById(id);
/** Where each row stood when it was last looked at, and until when it rests. */
const stood = new WeakMap();
let looked = false;
/** The row that was under the pointer when it went down; null where it rested. */
let pressed = null;

/**
 * Show the lists of `view`. `tell` has `service(id)` and `hour(instant)` in words; `hands` has
 * `possible(act)`, `refuse(act)` and `call`, `priority`, `free`, `back`, each of which does that to a ticket.
 */
export function showLists(view, tell, hands) {
  say(part("waiting"), String(view.waiting));
  const more = view.waiting - view.queue.length;
  say(part("more"), more > 0 ? words.more(more) : "");
  keyed(part("queue"), view.queue, named, (ticket) => waiting(ticket.ticket, hands), (item, ticket) => {
    const [number, waits, service, why, free, mark] = item.children;
    say(number, ticket.ticket);
    waits.dataset.since = ticket.reported_at;
    say(service, tell.service(ticket.service));
    say(why, [standing(ticket, tell.hour), ...company(ticket)].join("\u00a0· "));
    free.hidden = !ticket.bound;
    mark.setAttribute("aria-pressed", ticket.priority);
  });
  part("later-part").hidden = view.later.length === 0;
  keyed(part("later"), view.later, (one) => one.appointment, () => h("li"), (item, one) => {
    say(item, words.later(tell.hour(one.at), tell.service(one.service), Math.round(one.late_s / 60)));
  });
  part("away-part").hidden = view.away.length === 0;
  keyed(part("away"), view.away, named, (ticket) => away(ticket.ticket, hands), (item, ticket) => {
    const [number, service, why] = item.children;
    say(number, ticket.ticket);
    say(service, tell.service(ticket.service));
    say(why, words.away[ticket.status](tell.hour(ticket.since)));
  });
}

/** Show how long everybody in the queue waits; `told(instant)` says it in words. */
export function showWaits(told) {
  for (const waits of part("queue").querySelectorAll(".waits")) say(waits, told(waits.dataset.since));
}

const named = (ticket) => ticket.ticket;

function waiting(ticket, hands) {
  const free = button("bind", words.free, `${words.free}: ${ticket}`, hands, () => hands.free(ticket));
  free.className = "free";
  const mark = button("priority", words.mark, `${words.mark} ${ticket}`, hands, () =>
    hands.priority(ticket, mark.getAttribute("aria-pressed") !== "true"),
  );
  const waits = h("span", { class: "waits" });
  return h("li", {}, h("b"), waits, h("span"), h("small"), free, mark, caller(ticket, hands));
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
  const click = (event) => {
    if (event.detail > 1) return;
    // The keyboard presses what has the focus, wherever it stands; a pointer what stands under it.
    const row = event.target.closest("li");
    if (event.detail === 1 && (pressed !== row || rests(row))) return;
    if (hands.possible(kind)) press();
    else hands.refuse(kind);
  };
  return h("button", { type: "button", "data-kind": kind, "aria-label": label, click }, text);
}

/** Let the rows that came to stand elsewhere rest for a moment. */
export function restMoved() {
  for (const row of document.querySelectorAll(".tickets li")) {
    const place = row.offsetTop + row.offsetHeight / 2;
    const known = stood.get(row);
    if (known?.place === place) continue;
    const until = looked ? performance.now() + REST_MS : 0;
    stood.set(row, { place, until });
    if (!until) continue;
    row.toggleAttribute("data-rests", true);
    setTimeout(() => row.toggleAttribute("data-rests", rests(row)), REST_MS + 10);
  }
  looked = true;
}

const rests = (row) => performance.now() < stood.get(row)?.until;

addEventListener(
  "pointerdown",
  (event) => {
    const row = event.target.closest(".tickets li");
    pressed = row && !rests(row) ? row : null;
  },
  true,
);
