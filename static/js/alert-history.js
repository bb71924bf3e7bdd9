/** What was wrong today, until when, and who was told: asked for anew when something begins or ends. */

import { h, keyed, say } from "./dom.js";
import { _ } from "./words.js";

/** How often it is asked for by itself, and how long after a change: an alert stands a while before it is told. */
const EVERY_MS = 10_000;
const SOON_MS = 2000;
const ANSWER_MS = 10_000;

/** By kind, the field of an alert that its subject is. */
const SUBJECT = {
  "no-counter": "service",
  wait: "service",
  "screen-silent": "screen",
  "sound-refused": "screen",
  "panel-silent": "counter",
  "reminders-failing": "channel",
};

export class History {
  /** `what(alert)` says an alert in words, `when(instant)` a moment; neither is asked before `ready()`. */
  constructor(site, body, { what, when, ready }) {
    this.path = `/api/v1/sites/${site}/alerts`;
    this.body = body;
    this.words = { what, when };
    this.ready = ready;
    this.timer = setTimeout(() => this.load(), SOON_MS);
  }

  /** Something has changed: ask again shortly. */
  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), SOON_MS);
  }

  async load() {
    try {
      const answer = await fetch(this.path, { signal: AbortSignal.timeout(ANSWER_MS) });
      if (answer.ok && this.ready()) this.show((await answer.json()).alerts);
    } catch {
      // No line: what was shown last stays, and it is asked again.
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), EVERY_MS);
  }

  show(alerts) {
    const make = () => h("tr", {}, h("th", { scope: "row" }), h("td", { class: "figure" }), h("td", { class: "figure" }), h("td"));
    keyed(this.body, alerts, (alert) => alert.id, make, (row, alert) => {
      const nothing = { service: null, screen: null, counter: null, channel: null, count: null, of: null };
      const about = { ...nothing, kind: alert.kind, [SUBJECT[alert.kind] ?? "subject"]: alert.subject };
      const texts = [this.words.what(about), this.words.when(alert.raised), this.over(alert), heard(alert.told)];
      texts.forEach((text, place) => say(row.children[place], text));
    });
    document.getElementById("history-none").hidden = alerts.length > 0;
  }

  over(alert) {
    return alert.cleared ? this.words.when(alert.cleared) : _("not yet");
  }
}

/** Who was told that something went wrong: names, each once; who could not be reached is marked. */
function heard(told) {
  const names = new Map();
  for (const { name, state, over } of told) {
    if (over) continue;
    const who = name ?? _("somebody who is told no more");
    names.set(who, names.get(who) || !["failed", "withdrawn"].includes(state));
  }
  if (!names.size) return _("nobody");
  return [...names].map(([who, well]) => (well ? who : _("%(name)s (not reached)", { name: who }))).join(", ");
}
