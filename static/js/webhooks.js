/** Which systems are told of events, what has not arrived there, and sending it again. */

import { command } from "./command.js";
import { h, keyed, say } from "./dom.js";
import { _, language, ngettext } from "./words.js";

const path = `/sites/${document.body.dataset.site}/webhooks`;
/** How often the page asks anew (seconds). */
const REFRESH_S = 5;
/** As many failures as the server lists at most. */
const LISTED = 100;

const part = Object.fromEntries(
  ["wrong", "done", "hooks", "no-hooks", "failures", "failures-title", "no-failures", "newest"].map((id) => [
    id,
    document.getElementById(id),
  ]),
);

async function read(query) {
  const response = await fetch(`/api/v1${path}${query}`, { signal: AbortSignal.timeout(10_000) });
  if (response.status === 401) location.reload(); // the page leads to the sign-in
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

/** The clock of the house, wherever the browser is. */
const clock = new Intl.DateTimeFormat(language, {
  ...{ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  timeZone: document.body.dataset.zone,
});
const moment = (at) => clock.format(Date.parse(at));

/** What an attempt came to, in words; `code` is a status or one of the server's words. */
function why(code) {
  if (/^3\d\d$/.test(code)) return _("it leads elsewhere (%(code)s), which is not followed", { code });
  if (/^\d+$/.test(code)) return _("it answered %(code)s", { code });
  return (
    {
      timeout: _("no answer in time"),
      "no-answer": _("the connection ended without an answer"),
      "connect-failed": _("nothing takes connections there"),
      "tls-failed": _("its certificate is not valid"),
      "unknown-name": _("its name is not known"),
      "private-address": _("it leads into a private network"),
      disabled: _("the system wants nothing more"),
    }[code] ?? code
  );
}

// --- who is told -----------------------------------------------------------------------------------

function hookLine(hook) {
  const waits = hook.waiting + hook.failing;
  return [
    hook.kinds.length ? hook.kinds.join(", ") : _("all events"),
    hook.delivered_at ? _("last arrived %(moment)s", { moment: moment(hook.delivered_at) }) : _("nothing has arrived yet"),
    waits ? ngettext("%(number)s waits", "%(number)s wait", waits) : "",
    hook.given_up ? _("%(number)s given up", { number: hook.given_up }) : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

function hookState(hook) {
  if (hook.disabled_at) return _("Stopped: this system said that it wants nothing more.");
  const last = hook.last_failure;
  return last && hook.failing
    ? _("Does not arrive now: %(why)s, %(moment)s.", { why: why(last.code), moment: moment(last.at) })
    : "";
}

function showHooks(hooks) {
  part["no-hooks"].hidden = hooks.length > 0;
  keyed(
    part.hooks,
    hooks,
    (hook) => hook.id,
    () => h("li", {}, h("b", {}), h("span", {}), h("p", { class: "state" })),
    (element, hook) => {
      say(element.querySelector("b"), hook.target);
      say(element.querySelector("span"), hookLine(hook));
      say(element.querySelector(".state"), hookState(hook));
    },
  );
}

// --- what has not arrived --------------------------------------------------------------------------

const named = (failure) => ({ type: failure.type, moment: moment(failure.happened_at) });

function failureLine(failure) {
  const tried = ngettext("tried once", "tried %(number)s times", failure.attempts);
  return `${failure.target} · ${tried} · ${why(failure.code)}, ${moment(failure.failed_at)}`;
}

function failureState(failure) {
  if (failure.state === "given-up") return _("Given up.");
  if (!failure.again_at) return _("Is being sent.");
  return _("Is sent again %(moment)s.", { moment: moment(failure.again_at) });
}

function showFailures(failures, hooks) {
  const sent = hooks.some((hook) => hook.delivered_at) ? _("Everything that was sent has arrived.") : _("Nothing has been sent yet.");
  say(part["no-failures"], failures.length ? "" : sent);
  part.newest.hidden = failures.length < LISTED;
  const focused = part.failures.contains(document.activeElement);
  keyed(
    part.failures,
    failures,
    (failure) => failure.id,
    (failure) =>
      h(
        "li",
        {},
        h("b", {}, `${failure.type} · ${moment(failure.happened_at)}`),
        h("span", { class: "line" }),
        h("span", { class: "state" }),
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            "aria-label": _("Send “%(type)s” of %(moment)s again", named(failure)),
            click: (event) => again(failure, event.currentTarget),
          },
          _("Send again"),
        ),
      ),
    (element, failure) => {
      say(element.querySelector(".line"), failureLine(failure));
      say(element.querySelector(".state"), failureState(failure));
      element.querySelector("button").hidden = !failure.may_again;
    },
  );
  // What arrives leaves the list, with its button: the focus goes on from the list's heading.
  if (focused && !part.failures.contains(document.activeElement)) part["failures-title"].focus();
}

async function again(failure, button) {
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  say(part.wrong, "");
  say(part.done, "");
  const { answer, problem } = await command(`${path}/${failure.id}/again`, {}, () =>
    say(part.wrong, _("No answer yet. It is asked for again; nothing is done twice.")),
  );
  button.removeAttribute("aria-disabled");
  say(part.wrong, answer ? "" : refusal(problem?.code));
  if (answer) say(part.done, _("“%(type)s” of %(moment)s is sent again.", named(failure)));
  refresh();
}

function refusal(code) {
  return (
    {
      "webhook-disabled": _("This system wants nothing more: nothing is sent to it."),
      "unknown-delivery": _("This is not kept any longer."),
      "not-signed-in": _("You are no longer signed in."),
    }[code] ?? _("No answer came. Please try again.")
  );
}

async function refresh() {
  try {
    const [{ webhooks }, { failures }] = await Promise.all([read(""), read("/failures")]);
    showHooks(webhooks);
    showFailures(failures, webhooks);
  } catch {
    // What is shown is older for a while; it is asked for again.
  }
}

await refresh();
setInterval(refresh, REFRESH_S * 1000);
