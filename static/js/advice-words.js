/** Which counter to open now, and why: the same words for the desk and for who leads the house. */

import { _, ngettext } from "./words.js";

/** What to do, and because of what: two sentences. `name` tells a service. */
export function advice(found, name, hour) {
  const { counter, waiting } = found;
  const facts = { service: name(found.service), since: hour(found.since), limit: Math.round(found.limit_s / 60) };
  const what =
    found.mode === "paused"
      ? _("Let counter %(counter)s go on after its pause", { counter })
      : _("Open counter %(counter)s", { counter });
  const because = {
    "no-counter": () =>
      ngettext(
        "because %(number)s person waits for %(service)s and no open counter serves it.",
        "because %(number)s people wait for %(service)s and no open counter serves it.",
        waiting,
        facts,
      ),
    wait: () =>
      ngettext(
        "because the one who waits for %(service)s has waited since %(since)s, longer than %(limit)s minutes.",
        "because %(number)s people wait for %(service)s, the first since %(since)s: longer than %(limit)s minutes.",
        waiting,
        facts,
      ),
    expected: () =>
      ngettext(
        "because the one who waits for %(service)s will be called later than the %(limit)s minutes that are the limit.",
        "because %(number)s people wait for %(service)s and not all will be called within the limit of %(limit)s minutes.",
        waiting,
        facts,
      ),
  }[found.cause];
  return [what, because ? because() : ""];
}
