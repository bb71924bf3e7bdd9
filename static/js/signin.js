/** Signing in, by password or with a key. A key in the address (after #) never reaches a server's log. */

import { say } from "./dom.js";
import { _, ngettext } from "./words.js";

const people = document.getElementById("sign-in");
const key = document.getElementById("by-key");
const button = people.querySelector("button[type=submit]");
const label = button.textContent;
/** When the next attempt may be made, on the page's own clock (ms); 0 for now. */
let free = 0;

/** `path` where it is a place on this server, else null: nobody is led elsewhere by a link. */
function ours(path) {
  if (!path?.startsWith("/") || path.startsWith("//")) return null;
  const target = URL.canParse(path, location.origin) ? new URL(path, location.origin) : null;
  // A path may begin with two slashes only after its dots are resolved, and would then name a host.
  const here = target?.origin === location.origin && !target.pathname.startsWith("//");
  return here ? target.pathname + target.search : null;
}

/** Send `body`; `told` is where a failure is said. Resolves to whether the page is being left. */
async function signIn(body, told, wrong) {
  say(told, "");
  try {
    const response = await fetch("/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
    if (response.ok) {
      const { home } = await response.json();
      const next = ours(document.body.dataset.next);
      location.replace((next === "/" ? null : next) ?? ours(home) ?? "/");
      return true;
    }
    if (response.status === 429) wait(Number(response.headers.get("Retry-After")) || 1, told);
    else say(told, response.status < 500 ? wrong : _("No answer came. Please try again."));
  } catch {
    say(told, _("No answer came. Please try again."));
  }
  return false;
}

/** Tell the wait in words once, and count it down on the button. */
function wait(seconds, told) {
  const minutes = Math.ceil(seconds / 60);
  const long =
    seconds < 60
      ? ngettext("%(number)s second", "%(number)s seconds", seconds)
      : ngettext("%(number)s minute", "%(number)s minutes", minutes);
  say(told, _("Too many attempts. Try again in %(wait)s.", { wait: long }));
  free = performance.now() + seconds * 1000;
  tick(told);
}

function tick(told) {
  const left = Math.ceil((free - performance.now()) / 1000);
  button.setAttribute("aria-disabled", String(left > 0));
  if (left > 0) {
    say(button, `${label} · ${left} s`);
    setTimeout(tick, 500, told);
    return;
  }
  free = 0;
  say(button, label);
  say(told, _("You can try again now."));
}

people.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (free || people.dataset.busy) return;
  people.dataset.busy = "yes";
  const { login, password } = people.elements;
  const body = { login: login.value, password: password.value };
  const told = document.getElementById("wrong");
  const left = await signIn(body, told, _("Login or password is not right."));
  delete people.dataset.busy;
  if (!left) password.select();
});

document.getElementById("show").addEventListener("change", (event) => {
  people.elements.password.type = event.target.checked ? "text" : "password";
});

async function withKey(token) {
  const told = document.getElementById("wrong-key");
  const left = await signIn({ token }, told, _("This key is not valid (any longer)."));
  if (left) return;
  key.closest("details").open = true;
  key.elements.token.focus();
}

key.addEventListener("submit", (event) => {
  event.preventDefault();
  withKey(key.elements.token.value.trim());
});

const given = decodeURIComponent(location.hash.slice(1));
if (given) {
  history.replaceState(null, "", location.pathname + location.search);
  withKey(given);
} else {
  people.elements.login.focus();
}
