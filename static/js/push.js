/**
 * Offers to tell a citizen on this telephone, also when the page is closed; see parts/push.html.
 *
 * Nothing is asked before a tap: a browser that was refused once does not ask again.
 */

import { h, say } from "./dom.js";
import { NotSent, STEP_MS, able, subscription } from "./subscribing.js";
import { _ } from "./words.js";

const box = document.querySelector("[data-push]");
/** iPads call themselves Macs, but have fingers on the glass. */
const apple =
  /iPhone|iPad|iPod/.test(navigator.userAgent) ||
  (navigator.userAgent.includes("Macintosh") && navigator.maxTouchPoints > 1);

/** Show the button where the page has a place for it and the browser can; say on an iPhone what it lacks. */
export function offerPush() {
  if (box && able) offer();
  else if (box && apple) {
    box.append(h("p", { class: "foot" }, _("To be told on this telephone, first add this page to your Home Screen.")));
    box.hidden = false;
  }
}

function offer() {
  const told = h("p", { class: "told", role: "status" });
  const button = h("button", { type: "button", class: "plain" });
  let on = remembered();
  let busy = false;
  const show = () => say(button, on ? _("Do not tell me any more") : _("Tell me on this telephone"));
  button.addEventListener("click", async () => {
    if (busy) return;
    busy = true;
    button.setAttribute("aria-busy", "true");
    say(told, "");
    const said = await (on ? stop() : start()).catch(failure);
    if (typeof said === "string") say(told, said);
    else {
      on = said.on;
      remember(on);
      say(told, on ? _("This telephone tells you, also when this page is closed.") : _("This telephone does not tell you any more."));
    }
    show();
    button.removeAttribute("aria-busy");
    busy = false;
  });
  show();
  box.append(button, told);
  box.hidden = false;
}

async function start() {
  // The question comes first: Safari takes nothing later for the answer to a tap.
  const answer = await Notification.requestPermission();
  if (answer === "denied") {
    return _("Your browser blocks messages from this page. Allow them in its settings, and try again.");
  }
  if (answer !== "granted") return "";
  await send("POST", JSON.stringify(await subscription(box.dataset.push)));
  return { on: true };
}

async function stop() {
  await send("DELETE");
  return { on: false };
}

async function send(method, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  let answer = null;
  try {
    answer = await fetch(box.dataset.to, { method, body, headers, signal: AbortSignal.timeout(STEP_MS) });
  } catch {
    throw new NotSent();
  }
  if (answer.status >= 500) throw new NotSent();
  if (!answer.ok) throw new Error(`${answer.status}`);
}

function failure(error) {
  if (error instanceof NotSent) return _("That did not get through. Try again.");
  return _("That does not work in this browser. Keep this page open: it tells you.");
}

function remembered() {
  try {
    return Notification.permission === "granted" && localStorage.getItem("push") === box.dataset.to;
  } catch {
    return false;
  }
}

function remember(on) {
  try {
    if (on) localStorage.setItem("push", box.dataset.to);
    else localStorage.removeItem("push");
  } catch {
    // A browser that keeps nothing offers it again; doing it twice does no harm.
  }
}
