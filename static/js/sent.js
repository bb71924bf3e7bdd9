/** The messages that went out: how far each came, who was not reached, and to who may what they say. */

import { HouseClock } from "./clock.js";
import { h, keyed, say } from "./dom.js";
import { happened, standing, title } from "./sent-words.js";
import { _, language, ngettext } from "./words.js";

const { site, reads } = document.body.dataset;
const path = `/api/v1/sites/${site}/messages`;
/** How often the list is fetched anew while somebody looks (seconds). */
const REFRESH_S = 4;
/** How many messages the list grows by, and at most has. */
const STEP = 50;
const MOST = 200;

const part = Object.fromEntries(
  ["which", "unreached", "help", "wrong", "list-title", "none", "list", "older"].map((id) => [
    id,
    document.getElementById(id),
  ]),
);
const clock = new HouseClock();
/** What was read of messages, by their ids; kept in the page as long as they are open. */
const opened = new Map();
let count = STEP;
/** An older answer that comes after a newer question says nothing any more. */
let question = 0;

const chosen = () => part.which.elements.state.value;

async function read(query) {
  const response = await fetch(path + query, { signal: AbortSignal.timeout(10_000) });
  if (response.status === 401) location.reload(); // the page leads to the sign-in
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

// --- the list --------------------------------------------------------------------------------------

async function refresh() {
  question += 1;
  const mine = question;
  const state = chosen();
  try {
    const [found, unreached] = await Promise.all([
      read(`?limit=${count}${state && `&state=${state}`}`),
      read("?limit=100&state=not-reached"),
    ]);
    if (mine !== question) return;
    say(part.wrong, "");
    clock.set(found.at, { speed: 0, time_zone: found.time_zone });
    const many = unreached.more ? "100+" : String(unreached.messages.length);
    say(part.unreached, many === "0" ? _("Not reached") : _("Not reached (%(many)s)", { many }));
    show(found, state);
  } catch {
    if (mine === question) say(part.wrong, _("No answer came; the list may be out of date. It is asked for again."));
  }
}

function show({ messages, more }, state) {
  const said = words(state);
  say(part["list-title"], said.title);
  say(part.help, messages.length ? (said.help ?? "") : "");
  say(part.none, messages.length ? "" : said.none);
  part.none.hidden = messages.length > 0;
  part.older.hidden = !more || count >= MOST;
  say(part.older, state === "planned" ? _("Show more") : _("Show older ones"));
  keyed(part.list, messages, (line) => line.message, item, update);
}

function words(state) {
  return {
    "not-reached": {
      title: _("Not reached"),
      help: _("The last message to these people did not arrive, and their appointment is still to come. Their number is in the booking system, under the code."),
      none: _("Nobody. Who could not be reached before their appointment will stand here, so that somebody can phone them."),
    },
    planned: {
      title: _("Still to come"),
      none: _("Nothing is planned. Reminders stand here from the moment an appointment is made."),
    },
    failed: { title: _("Failed"), none: _("Nothing failed. Messages that could not be sent or delivered will stand here, with the reason.") },
    withdrawn: { title: _("Taken back"), none: _("Nothing was taken back. Reminders of appointments that were cancelled or moved will stand here.") },
  }[state] ?? {
    title: _("All so far"),
    none: _("Nothing was sent yet. Every reminder and notice will stand here as it goes out, with what became of it."),
  };
}

function item(line) {
  const element = h(
    "li",
    {},
    h("h3", { id: `title-${line.message}` }),
    h("p", { class: "state" }),
    h("p", { class: "whom", id: `whom-${line.message}` }),
    h("p", { class: "discreet" }),
    h("p", { class: "more" }),
  );
  if (reads) {
    element.append(
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          "aria-expanded": "false",
          "aria-describedby": `title-${line.message} whom-${line.message}`,
          click: () => turn(element, line.message),
        },
        _("Read it"),
      ),
      h("div", { class: "content", hidden: true }),
    );
  }
  return element;
}

function update(element, line) {
  const { tone, text } = standing(line, when);
  say(element.querySelector("h3"), title(line));
  const state = element.querySelector(".state");
  state.dataset.tone = tone;
  say(state, text);
  say(element.querySelector(".whom"), whom(line));
  say(element.querySelector(".discreet"), line.discreet ? _("Discreet: reach this person in no other way.") : "");
  say(element.querySelector(".more"), spent(line));
}

function whom({ slot, service, ref, ticket }) {
  const at = slot && _("Appointment %(when)s", { when: when(slot) });
  return [at, ticket && _("ticket %(ticket)s", { ticket }), service, ref].filter(Boolean).join(" · ");
}

function spent({ attempts, parts, cost }) {
  const said = [];
  if (attempts > 1) said.push(ngettext("%(number)s attempt", "%(number)s attempts", attempts));
  if (parts > 1) said.push(ngettext("%(number)s part", "%(number)s parts", parts));
  if (cost) {
    const amount = (cost / 1e6).toLocaleString(language, { minimumFractionDigits: 2, maximumFractionDigits: 4 });
    said.push(_("cost %(amount)s", { amount }));
  }
  return said.join(" · ");
}

/** "10:42" today, else with its day. */
function when(instant) {
  const today = clock.date(clock.now()) === clock.date(instant);
  return today ? clock.time(instant) : `${clock.date(instant)} ${clock.time(instant)}`;
}

// --- what a message says ---------------------------------------------------------------------------

async function turn(element, id) {
  const button = element.querySelector("button");
  const content = element.querySelector(".content");
  const open = content.hidden;
  content.hidden = !open;
  button.setAttribute("aria-expanded", String(open));
  say(button, open ? _("Close it") : _("Read it"));
  if (!open) {
    // What was written to somebody stays in the page no longer than somebody reads it.
    content.replaceChildren();
    opened.delete(id);
    return;
  }
  content.replaceChildren(h("p", { role: "status" }, _("One moment")));
  opened.set(id, element);
  try {
    const found = await read(`/${id}`);
    if (opened.get(id) === element) content.replaceChildren(...whole(found));
  } catch {
    content.replaceChildren(h("p", { class: "wrong", role: "status" }, _("No answer came. Please try again.")));
  }
}

function whole({ message, content, events }) {
  const sent = ["accepted", "delivered", "shown"].includes(message.state);
  const gone = sent ? _("What it said was erased.") : _("There is no text: it was not sent.");
  const said = content
    ? [
        h("p", { class: "to" }, _("To %(address)s", { address: content.to })),
        content.subject && h("p", { class: "subject" }, content.subject),
        h("blockquote", {}, content.text),
      ].filter(Boolean)
    : [h("p", {}, gone)];
  const rows = events.map(({ kind, at, code }) =>
    h("li", {}, h("time", { datetime: at }, when(at)), " ", happened(kind), code && h("code", {}, code)),
  );
  return rows.length ? [...said, h("ol", { "aria-label": _("What happened to it") }, ...rows)] : said;
}

// --- what is looked at -----------------------------------------------------------------------------

part.which.addEventListener("submit", (event) => event.preventDefault());
part.which.addEventListener("change", () => {
  count = STEP;
  history.replaceState(null, "", chosen() ? `#${chosen()}` : location.pathname);
  refresh();
});
part.older.addEventListener("click", () => {
  count = Math.min(MOST, count + STEP);
  refresh();
});

function fromAddress() {
  const wanted = location.hash.slice(1);
  const radio = [...part.which.elements.state].find(({ value }) => value === wanted);
  if (radio) radio.checked = true;
}

window.addEventListener("hashchange", () => {
  fromAddress();
  refresh();
});
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
fromAddress();
await refresh();
setInterval(() => document.visibilityState === "visible" && refresh(), REFRESH_S * 1000);
