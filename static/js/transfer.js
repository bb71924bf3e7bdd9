/** The question where to send somebody on: to a service or a counter, alone or with company. */

import { h, say } from "./dom.js";
import { words } from "./counter-words.js";

const dialog = document.getElementById("transfer");
const form = dialog.querySelector("form");
let about = null;

/** Ask; resolves to the body of the command, or to null where nobody is sent on after all. */
export function askTransfer(view) {
  about = view.current.ticket;
  say(document.getElementById("transfer-ticket"), about);
  const services = [...view.elsewhere, ...view.services];
  const counters = view.counters.filter(({ counter, mode }) => counter !== view.counter && mode !== "closed");
  fill("to-service", services, ({ id, name }) => choice(`service ${id}`, name));
  fill("to-counter", counters, ({ counter, mode }) => choice(`counter ${counter}`, words.toCounter(counter, mode)));
  form.reset();
  dialog.returnValue = "";
  dialog.showModal();
  form.querySelector("input").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "go" ? chosen() : null), { once: true });
  });
}

/** Close the question where it is no longer about the one at the counter. */
export function closeTransfer(ticket) {
  if (dialog.open && about !== ticket) dialog.close("");
}

function fill(id, items, make) {
  document.getElementById(id).replaceChildren(...items.map(make));
}

function choice(value, name) {
  return h("label", { class: "choice" }, h("input", { type: "radio", name: "to", value, required: true }), name);
}

function chosen() {
  const [kind, ...id] = new FormData(form).get("to").split(" ");
  return { [kind]: id.join(" "), accompanied: document.getElementById("accompanied").checked };
}

document.getElementById("transfer-cancel").addEventListener("click", () => dialog.close(""));
