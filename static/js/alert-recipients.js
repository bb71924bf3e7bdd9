/**
 * Where this supervisor is told of alerts when the page is closed: browsers and e-mail addresses.
 *
 * Nothing is asked of the browser before a tap: one that was refused once does not ask again.
 */

import { command } from "./command.js";
import { h, keyed, say } from "./dom.js";
import { able, subscription } from "./subscribing.js";
import { _ } from "./words.js";

const ANSWER_MS = 10_000;

/** Show in `list` where who is signed in is told, and in `box` what they may add. */
export async function offerAlerts(site, list, box) {
  const path = `/sites/${site}/alerts/recipients`;
  const said = h("p", { role: "status" });
  const known = await asked(path);
  if (!known) {
    box.append(h("p", {}, _("Sign in with your own login to be told.")));
    return;
  }

  const show = ({ recipients }) =>
    keyed(
      list,
      recipients,
      (one) => one.id,
      () => h("li", {}, h("span"), h("button", { type: "button" })),
      (item, one) => {
        const [text, button] = item.children;
        say(text, line(one));
        say(button, _("Tell me no more"));
        button.setAttribute("aria-label", _("Tell me no more: %(where)s", { where: line(one) }));
        button.onclick = () => take(one.id);
      },
    );
  const again = async () => {
    const now = await asked(path);
    if (now) show(now);
  };

  async function take(id) {
    const answer = await fetch(`/api/v1${path}/${id}`, { method: "DELETE", signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => null);
    say(said, answer?.ok ? _("You are told there no more.") : _("That did not get through. Try again."));
    await again();
  }

  async function wish(body) {
    say(said, "");
    const { answer, problem } = await command(path, { ...body, over: over.checked }, () => {});
    say(said, answer ? _("You are told there from now on.") : refusal(problem));
    await again();
    return Boolean(answer);
  }

  const over = h("input", { type: "checkbox", id: "tell-over" });
  const email = h("input", { type: "email", id: "tell-email", required: true, maxlength: "200", autocomplete: "email" });
  const form = h(
    "form",
    {},
    h("label", {}, _("E-mail address"), email),
    h("button", {}, _("Tell me at this address")),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await wish({ email: email.value })) form.reset();
  });
  box.append(h("label", {}, over, _("Also when it is over")), form);
  if (known.push && able) {
    const browser = h("button", { type: "button" }, _("Tell me in this browser"));
    browser.addEventListener("click", async () => {
      const why = await subscribe(known.push, wish).catch(() => _("That does not work in this browser."));
      if (why) say(said, why);
    });
    box.append(browser);
  }
  box.append(said);
  show(known);
}

/** Ask for the permission, subscribe, and say so to the house; why not, or nothing. */
async function subscribe(key, wish) {
  const answer = await Notification.requestPermission();
  if (answer === "denied") {
    return _("Your browser blocks messages from this page. Allow them in its settings, and try again.");
  }
  if (answer === "granted") await wish({ push: await subscription(key) });
  return "";
}

function line({ channel, to, over }) {
  const where = channel === "mail" ? _("By e-mail to %(to)s", { to }) : _("In a browser (%(to)s)", { to });
  return over ? _("%(where)s, also when it is over", { where }) : where;
}

function refusal(problem) {
  if (problem?.code === "too-many-recipients") return _("You are told in five places already: take one away first.");
  if (problem?.code === "invalid-body") return _("This is not an e-mail address.");
  return problem ? _("That does not work in this browser.") : _("That did not get through. Try again.");
}

async function asked(path) {
  const answer = await fetch(`/api/v1${path}`, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}
