/** The question where to send somebody on: to a service or a counter, alone, with company, or back to here. */

import { words } from "./counter-words.js";
import { h, say } from "./dom.js";

const dialog = document.getElementById("transfer");
const form = dialog.querySelector("form");
const accompanied = document.getElementById("accompanied");
const back = document.getElementById("back");
const missing = document.getElementById("transfer-missing");
let about = null;
let here = null;
/** Whoever asked last and has no answer yet. */
let answer = () => {};

/** Ask; resolves to the body of the command, or to null where nobody is sent on after all. */
export function askTransfer(view) {
  about = view.current.ticket;
  here = view;
  say(document.getElementById("transfer-title"), words.sendOn(about));
  const counters = view.counters.filter(({ counter, mode }) => counter !== view.counter && mode !== "closed");
  fill("to-service", view.elsewhere, ({ id, name }) => choice(`service ${id}`, name));
  fill("to-own", view.services, ({ id, name }) => choice(`service ${id}`, name));
  const names = new Map([...view.services, ...view.elsewhere].map(({ id, name }) => [id, name]));
  fill("to-counter", counters, ({ counter, mode, services }) =>
    choice(
      `counter ${counter}`,
      words.toCounter(counter, mode),
      words.serves(services.map((id) => names.get(id) ?? id)),
    ),
  );
  form.reset();
  say(missing, "");
  document.getElementById("back-choice").hidden = view.staff === null;
  offerBack();
  answer(null);
  dialog.returnValue = "";
  dialog.showModal();
  form.querySelector("input").focus();
  return new Promise((resolve) => {
    answer = resolve;
  });
}

dialog.addEventListener("close", () => {
  // A slow browser tells of the dialog's end when it is asked anew already: that end is not this one's.
  if (!dialog.open) answer(dialog.returnValue === "go" ? chosen() : null);
});

/** Close the question where it is no longer about the one at the counter. */
export function closeTransfer(ticket) {
  if (dialog.open && about !== ticket) dialog.close("");
}

/** Fill a group of choices; one without any is not shown. */
function fill(id, items, make) {
  const group = document.getElementById(id);
  group.replaceChildren(...items.map(make));
  group.parentElement.hidden = items.length === 0;
}

function choice(value, name, more = "") {
  const radio = h("input", { type: "radio", name: "to", value, required: true });
  return h("label", { class: "choice" }, radio, h("span", {}, name, more && " ", more ? h("small", {}, more) : null));
}

/** The kind and the id of where to: ["service", "sport"]. */
function target() {
  const [kind, ...id] = (new FormData(form).get("to") ?? "").split(" ");
  return [kind, id.join(" ")];
}

/** Who waits for one member of staff and for a service that this one does not serve waits for ever. */
function offerBack() {
  const [kind, id] = target();
  back.disabled = kind !== "service" || !here.services.some((service) => service.id === id);
  if (back.disabled) back.checked = false;
}

function chosen() {
  const [kind, id] = target();
  return { [kind]: id, accompanied: accompanied.checked, staff: back.checked ? here.staff : null };
}

form.addEventListener("change", offerBack);
form.addEventListener("change", () => target()[0] && say(missing, ""));
form.addEventListener("submit", (event) => {
  if (target()[0]) return;
  event.preventDefault();
  say(missing, words.chooseWhere);
  form.querySelector("input").focus();
});
document.getElementById("transfer-cancel").addEventListener("click", () => dialog.close(""));
