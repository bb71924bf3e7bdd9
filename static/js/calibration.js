/** What became of the waiting times that were promised this week, in a small table. */

import { h, keyed, say } from "./dom.js";
import { _, ngettext } from "./words.js";

/** It changes with the hours, not with the seconds. */
const EVERY_MS = 300_000;
const AGAIN_MS = 20_000;
const ANSWER_MS = 10_000;

const NOTHING = "–";

/** Keep the table `body` on the figures of a site; `none` is shown while there is nothing to tell. */
export function showCalibration(site, body, none) {
  const load = async () => {
    let next = AGAIN_MS;
    try {
      const answer = await fetch(`/api/v1/sites/${site}/calibration`, { signal: AbortSignal.timeout(ANSWER_MS) });
      if (answer.ok) {
        show(await answer.json(), body, none);
        next = EVERY_MS;
      }
    } catch {
      // What was shown last stays, and it is asked again.
    }
    setTimeout(load, next);
  };
  load();
}

function show(found, body, none) {
  const lines = [
    { key: "learned", name: _("Learned from what was measured here"), ...found.learned },
    { key: "plain", name: _("From target times"), ...found.plain },
  ].filter((line) => line.promises);
  const make = () => h("tr", {}, h("th", { scope: "row" }), ...Array.from({ length: 4 }, () => h("td", { class: "figure" })));
  keyed(body, lines, (line) => line.key, make, (row, line) => {
    cells(line).forEach((text, place) => say(row.children[place], text));
  });
  none.hidden = lines.length > 0;
}

function cells(line) {
  if (line.known === null) return [line.name, _("fewer than 20"), NOTHING, NOTHING, NOTHING];
  return [line.name, String(line.known), share(line.in_time), share(line.before_p50), difference(line.mean_error_s)];
}

const share = (part) => _("%(number)s of 100", { number: Math.floor(100 * part) });

/** How much longer or shorter people waited than the earlier time, on average. */
function difference(seconds) {
  if (seconds === null) return NOTHING;
  const minutes = Math.round(Math.abs(seconds) / 60);
  if (!minutes) return _("none");
  return seconds > 0
    ? ngettext("%(number)s min longer", "%(number)s min longer", minutes)
    : ngettext("%(number)s min shorter", "%(number)s min shorter", minutes);
}
