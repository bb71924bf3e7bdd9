/** The form in which the desk makes an appointment: what is chosen in it, and what comes of it. */

import { _ } from "./words.js";
import { h, say } from "./dom.js";

const part = (id) => document.getElementById(id);
const form = part("booking-form");
const field = (name) => form.elements[name];
const NEEDED = ["service", "day", "time"];

/** Begin anew, with the services that take appointments and the day of the house. */
export function resetBooking(view) {
  forgetBooking();
  field("service").replaceChildren(
    h("option", { value: "" }, _("choose a service")),
    ...view.services.filter(({ appointments }) => appointments).map(({ id, name }) => h("option", { value: id }, name)),
  );
  field("language").replaceChildren(...[...part("language").options].map((option) => option.cloneNode(true)));
  field("day").min = view.house.date;
  field("day").value = view.house.date;
}

/** Nothing of a person stays in the page. */
export function forgetBooking() {
  form.reset();
  wrong(null);
}

/** The body of the command, or null where something is missing: that field has the focus. */
export function chosenBooking() {
  const missing = NEEDED.find((name) => !field(name).value);
  wrong(missing ?? null);
  if (missing) return null;
  const contact = {};
  for (const name of ["name", "phone", "email", "safe"]) if (field(name).value.trim()) contact[name] = field(name).value.trim();
  return {
    service: field("service").value,
    // A browser may give seconds; slots have none.
    wall: `${field("day").value}T${field("time").value.slice(0, 5)}`,
    ...(field("language").value && { language: field("language").value }),
    ...(Object.keys(contact).length && { contact }),
  };
}

/** Mark the field that is wrong, by the place that a problem names, and go there; null for none. */
export function wrong(place) {
  const name = place && (place === "wall" ? "time" : place.replace("contact.", ""));
  for (const each of form.elements) each.removeAttribute("aria-invalid");
  const found = name && field(name);
  if (!found) return;
  found.setAttribute("aria-invalid", "true");
  found.focus();
}

/** Show the appointment that was made: its code, what it is for, its day and hour. */
export function showBooking({ ref, service, when }) {
  say(part("code"), ref);
  say(part("code-what"), service);
  say(part("code-when"), when);
}
