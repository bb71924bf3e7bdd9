/** Who wishes to be called back. The list has no names: one number at a time is asked for, and forgotten. */

import { _, ngettext } from "./words.js";
import { command } from "./command.js";
import { h, keyed, say } from "./dom.js";

/** Wishes may be about any day, so no view has them all: the house is asked this often (ms). */
const EVERY_MS = 60_000;
/** A number stays on the glass no longer than a call is dialled (ms). */
const SHOWN_MS = 60_000;

const part = (id) => document.getElementById(id);

/** Keep the list of `site` up to date; `when(instant)` says a day and time in words. */
export function callBacks(site, when) {
  const here = `/api/v1/sites/${site}`;

  async function get(path) {
    try {
      const response = await fetch(here + path, { signal: AbortSignal.timeout(5000) });
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }

  async function renew() {
    const answer = await get("/call-backs");
    if (answer) show(answer);
  }

  function show({ call_backs: wishes, more }) {
    part("call-backs-part").hidden = wishes.length === 0;
    say(part("call-backs-count"), more ? `${wishes.length}+` : String(wishes.length));
    keyed(part("call-backs"), wishes, ({ appointment }) => appointment, row, (item, wish) => {
      const [what, asked] = item.children;
      say(what, [when(wish.at), wish.service, wish.ref].filter(Boolean).join(" · "));
      say(asked, _("asked %(time)s", { time: when(wish.asked_at) }));
    });
  }

  function row({ ref }) {
    const number = h("p", { role: "status" });
    const path = `/appointments/${encodeURIComponent(ref)}`;
    const ask = async () => {
      const whom = await get(`${path}/call-back`);
      say(number, whom ? [whom.phone ?? _("The number is not kept any more."), whom.name, whom.language].filter(Boolean).join(" · ") : _("That did not get through. Try again."));
      setTimeout(() => say(number, ""), SHOWN_MS);
    };
    const done = async () => {
      const { answer } = await command(`/sites/${site}${path}/called-back`, {}, () => {});
      if (answer) await renew();
      else say(number, _("That did not get through. Try again."));
    };
    const button = (text, press) =>
      h("button", { type: "button", "aria-label": `${text}: ${ref}`, click: (event) => event.detail < 2 && press() }, text);
    return h("li", {}, h("b"), h("small"), number, button(_("Show the number"), ask), button(_("Called back"), done));
  }

  renew();
  setInterval(renew, EVERY_MS);
  return renew;
}
