/** What else may be said when somebody is let in: further services, persons, a language, priority. */

import { _ } from "./words.js";
import { h } from "./dom.js";
import { tongue } from "./reception-words.js";

const part = (id) => document.getElementById(id);
/** What people in a Belgian hall speak, beside the languages of the house. */
const SPOKEN = ["nl", "fr", "en", "de", "ar", "zgh", "tr", "ps", "fa", "uk", "ru", "pl", "ro", "bg", "es", "pt", "it", "so", "ti"];
const MOST = 20;
const FURTHER = 5;
const persons = part("persons");
let known = { persons: 1, language: null };

/** Begin with what is known of the person; `services` may be added to a walk-in's. */
export function resetOptions({ persons: number, language, walkIn }, services) {
  known = { persons: number, language };
  persons.value = String(number);
  part("language").value = language ?? "";
  part("priority").checked = false;
  part("then-part").hidden = !walkIn || services.length === 0;
  part("then").replaceChildren(
    ...(walkIn ? services : []).map(({ id, name }) =>
      h("label", { class: "choice" }, h("input", { type: "checkbox", value: id, change: limit }), name),
    ),
  );
}

function limit() {
  const boxes = [...part("then").querySelectorAll("input")];
  const full = boxes.filter((box) => box.checked).length >= FURTHER;
  for (const box of boxes) box.disabled = full && !box.checked;
}

/** What was chosen and differs from what is known, as fields of the command. */
export function chosenOptions() {
  const number = count();
  const language = part("language").value || null;
  return {
    ...(part("priority").checked && { priority: true }),
    ...(number !== known.persons && { persons: number }),
    ...(language !== known.language && { language }),
  };
}

/** The further services of a walk-in, in the order of the house. */
export function chosenServices() {
  return [...part("then").querySelectorAll("input:checked")].map((box) => box.value);
}

function count() {
  return Math.min(MOST, Math.max(1, Number.parseInt(persons.value, 10) || 1));
}

function step(by) {
  persons.value = String(Math.min(MOST, Math.max(1, count() + by)));
}

part("fewer").addEventListener("click", () => step(-1));
part("more-persons").addEventListener("click", () => step(1));
persons.addEventListener("change", () => step(0));
const offered = new Set([...document.body.dataset.languages.split(" "), ...SPOKEN]);
part("language").append(
  h("option", { value: "" }, _("not said")),
  ...[...offered].map((code) => h("option", { value: code }, tongue(code))),
);
