/**
 * A screen asks to be let in: it shows a code and asks until somebody has confirmed it (RFC 8628).
 *
 * Nobody sits before it, so it goes on by itself whatever happens: codes are renewed, a server that is
 * away is asked again, and who was turned down shows a new code after a while.
 */

import { say } from "./dom.js";
import { _ } from "./words.js";

const ANSWER_S = 5;
const AGAIN_S = { first: 1, last: 10 };
/** How long "turned down" stands before another code is asked for (seconds). */
const DENIED_S = 30;

const kind = new URLSearchParams(location.search).get("kind") === "kiosk" ? "kiosk" : "screen";
const part = Object.fromEntries(
  ["title", "code", "text", "where", "news"].map((id) => [id, document.getElementById(id)]),
);

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** POST that is made until it is answered; `{status, body}`. What failed meanwhile is said on the page. */
async function ask(path, sent) {
  for (let wait_s = AGAIN_S.first; ; wait_s = Math.min(AGAIN_S.last, wait_s * 2)) {
    try {
      const response = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(sent),
        signal: AbortSignal.timeout(ANSWER_S * 1000),
      });
      if (response.status < 500 && response.status !== 408 && response.status !== 429) {
        say(part.news, "");
        return { status: response.status, body: await response.json() };
      }
      const after_s = Number(response.headers.get("Retry-After")) || 0;
      say(part.news, response.status === 429 ? _("Many screens ask at once; this one waits its turn.") : cut());
      wait_s = Math.max(wait_s, after_s);
    } catch {
      say(part.news, cut());
    }
    await sleep(wait_s);
  }
}

function cut() {
  return _("The server does not answer. This screen goes on trying by itself.");
}

function show(state, title, text, code = "") {
  document.body.dataset.state = state;
  say(part.title, title);
  say(part.text, text);
  say(part.code, code);
  part.where.hidden = !code;
  say(part.where, code ? `${location.host}/devices` : "");
}

/** Show one code until it is confirmed, turned down or over. */
async function offer() {
  const { body: given, status } = await ask("/device/code", { kind });
  if (status !== 200) throw new Error(given.detail);
  const title = kind === "kiosk" ? _("Let this kiosk in") : _("Let this screen in");
  show("code", title, _("Somebody who may confirms this code on their own computer, at:"), given.user_code);
  for (let interval_s = given.interval; ; ) {
    await sleep(interval_s);
    const { status: found, body } = await ask("/device/token", { device_code: given.device_code });
    if (found === 200) {
      location.replace(body.home);
      return true;
    }
    if (body.error === "slow_down") interval_s += 5;
    else if (body.error === "access_denied") {
      show("denied", _("This screen was turned down"), _("A new code comes in a moment."));
      await sleep(DENIED_S);
      return false;
    } else if (body.error !== "authorization_pending") return false;
  }
}

while (!(await offer().catch(() => sleep(AGAIN_S.last))));
