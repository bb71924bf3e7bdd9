/** Letting screens and kiosks in by the code that they show, and out at once. */

import { command } from "./command.js";
import { h, keyed, say } from "./dom.js";
import { _, language } from "./words.js";

const site = document.body.dataset.site;
const path = `/sites/${site}/devices`;
/** How often the list is fetched anew (seconds). */
const REFRESH_S = 5;
/** Choice of the kiosk among the hall screens, whose ids have no space. */
const KIOSK = " kiosk";

const part = Object.fromEntries(
  ["look-up", "code", "wrong", "confirm", "found", "from", "choices", "name", "replaces", "deny", "done"]
    .concat(["list", "none", "revoke", "revoke-title", "keep"])
    .map((id) => [id, document.getElementById(id)]),
);
const dialog = part.revoke;
let known = { devices: [], screens: [] };
let asking = null;

async function read(query) {
  const response = await fetch(`/api/v1${path}${query}`, { signal: AbortSignal.timeout(10_000) });
  if (response.status === 401) location.reload(); // the page leads to the sign-in
  return { response, body: await response.json() };
}

function problem(code) {
  return (
    {
      "unknown-code": _("No device shows this code now. Check the letters, or wait for its next code."),
      "too-many-guesses": _("Too many codes that no device shows. Try again in ten minutes."),
      "not-signed-in": _("You are no longer signed in."),
    }[code] ?? _("No answer came. Please try again.")
  );
}

// --- letting in ------------------------------------------------------------------------------------

part["look-up"].addEventListener("submit", async (event) => {
  event.preventDefault();
  say(part.wrong, "");
  say(part.done, "");
  ask(null);
  try {
    const { response, body } = await read(`/asking?code=${encodeURIComponent(part.code.value.slice(0, 20))}`);
    if (response.ok) ask(body);
    else say(part.wrong, problem(body.code));
  } catch {
    say(part.wrong, problem());
  }
});

/** Show what asks, with what it may be; null hides it. */
function ask(found) {
  asking = found;
  part.confirm.hidden = !found;
  if (!found) return;
  const kiosk = found.kind === "kiosk";
  say(
    part.found,
    kiosk
      ? _("A ticket kiosk shows %(code)s", { code: found.code })
      : _("A hall screen shows %(code)s", { code: found.code }),
  );
  const clock = new Date(found.asked_at).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
  say(
    part.from,
    _("It asks from the address %(address)s, since %(clock)s.", { address: found.address, clock }),
  );
  const screens = known.screens.length ? known.screens : [{ id: "", name: _("Hall screen") }];
  const choices = [...screens, { id: KIOSK, name: _("Ticket kiosk") }];
  const free = screens.find((screen) => !screen.device) ?? screens[0];
  const chosen = kiosk ? KIOSK : free.id;
  part.choices.replaceChildren(
    ...choices.map(({ id, name }) =>
      h(
        "label",
        {},
        h("input", { type: "radio", name: "is", value: id, checked: id === chosen, change: choose }),
        h("span", {}, name),
      ),
    ),
  );
  part.name.value = "";
  choose();
  part.found.focus();
}

const chosenScreen = () => known.screens.find((screen) => screen.id === part.confirm.elements.is.value);

/** The name follows the choice, unless somebody wrote one; whoever is replaced is named. */
function choose() {
  const names = [...known.screens.map((screen) => screen.name), _("Hall screen"), _("Ticket kiosk"), ""];
  if (names.includes(part.name.value)) {
    const other = part.confirm.elements.is.value === KIOSK ? _("Ticket kiosk") : _("Hall screen");
    part.name.value = (chosenScreen()?.name ?? other).slice(0, 60);
  }
  const before = known.devices.find((device) => device.id === chosenScreen()?.device);
  say(
    part.replaces,
    before ? _("It takes the place of the device “%(name)s”, which is let in no longer.", before) : "",
  );
}

/** Send what was decided about the code; `told` is said when it is done. */
async function decide(where, body, told) {
  if (!asking || part.confirm.dataset.busy) return;
  part.confirm.dataset.busy = "yes";
  say(part.wrong, "");
  const { answer, problem: refused } = await command(path + where, body, () =>
    say(part.wrong, _("No answer yet. It is asked for again; nothing is done twice.")),
  );
  delete part.confirm.dataset.busy;
  if (!answer) {
    say(part.wrong, problem(refused?.code));
    if (refused?.code === "unknown-code") ask(null);
    return;
  }
  say(part.wrong, "");
  ask(null);
  part["look-up"].reset();
  part.code.focus();
  say(part.done, told);
  refresh();
}

part.confirm.addEventListener("submit", (event) => {
  event.preventDefault();
  const kiosk = part.confirm.elements.is.value === KIOSK;
  const name = part.name.value.trim();
  const screen = chosenScreen()?.id ?? null;
  const body = { code: asking.code, role: kiosk ? "kiosk" : "screen", screen, name };
  decide("", body, _("“%(name)s” is let in: it starts within a few seconds.", { name }));
});

part.deny.addEventListener("click", () => {
  decide("/deny", { code: asking.code }, _("The device was turned down."));
});

// --- those that are in -----------------------------------------------------------------------------

async function refresh() {
  try {
    const { response, body } = await read("");
    if (!response.ok) return;
    known = body;
    show(new Date(response.headers.get("Date") ?? Date.now()));
  } catch {
    // The list is an older one for a while; it is asked for again.
  }
}

function show(now) {
  part.none.hidden = known.devices.length > 0;
  keyed(
    part.list,
    known.devices,
    (device) => device.id,
    (device) =>
      h(
        "li",
        {},
        h("b", {}, device.name),
        h("span", {}),
        h(
          "button",
          { type: "button", class: "quiet", "aria-label": _("Remove “%(name)s”", device), click: () => askRevoke(device) },
          _("Remove"),
        ),
      ),
    (element, device) => say(element.querySelector("span"), line(device, now)),
  );
}

function line(device, now) {
  const screen = known.screens.find((known) => known.id === device.screen)?.name;
  const what = device.role === "kiosk" ? _("Ticket kiosk") : _("Hall screen");
  const place = screen && screen !== device.name ? `${what} · ${screen}` : what;
  return `${place} · ${seen(device, now)}`;
}

function seen({ last_seen_at: at }, now) {
  if (!at) return _("not seen yet");
  const minutes = Math.floor((now - new Date(at)) / 60_000);
  if (minutes < 2) return _("seen just now");
  const format = new Intl.RelativeTimeFormat(language);
  const [number, unit] =
    minutes < 60 ? [minutes, "minute"] : minutes < 2880 ? [minutes / 60, "hour"] : [minutes / 1440, "day"];
  return _("last seen %(ago)s", { ago: format.format(-Math.floor(number), unit) });
}

let leaving = null;

function askRevoke(device) {
  leaving = device;
  say(part["revoke-title"], _("Let “%(name)s” in no longer?", device));
  dialog.returnValue = "";
  dialog.showModal();
  part.keep.focus();
}

part.keep.addEventListener("click", () => dialog.close());
dialog.addEventListener("close", async () => {
  if (dialog.returnValue !== "revoke") return;
  const { name, id } = leaving;
  const { answer, problem: refused } = await command(`${path}/${id}/revoke`, {}, () => {});
  if (answer) say(part.done, _("“%(name)s” is let in no longer.", { name }));
  else say(part.wrong, problem(refused?.code));
  refresh();
});

await refresh();
setInterval(refresh, REFRESH_S * 1000);
