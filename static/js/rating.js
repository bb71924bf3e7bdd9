/**
 * How a visit was, on its own page. A tapped number is sent at once; who chooses with the keyboard, or writes
 * a word, sends it with the button. Without this script the form does the same.
 */

import { command } from "./command.js";
import { say } from "./dom.js";
import { _ } from "./words.js";

const part = (id) => document.getElementById(id);

/** What is to be sent next, with all that was chosen since the last sending began; null for nothing. */
let wanted = null;
let sending = false;
/** Whether a word of this page has got through, so that an empty field takes it away. */
let said = false;

/** Listen to the form in `main`, now or when it comes; `path` is the visit's in the API. */
export function takeRatings(main, path, notSent) {
  main.addEventListener("click", (event) => {
    // An arrow key also clicks the number that it comes to, but not what the finger sees of it.
    const label = event.target.closest(".scores label");
    if (label && event.target !== label.control) send(path, { score: Number(label.control.value) }, notSent);
  });
  main.addEventListener("submit", (event) => {
    if (event.target.id !== "rate") return;
    event.preventDefault();
    const form = new FormData(event.target);
    const word = (form.get("word") ?? "").trim();
    const rating = { score: Number(form.get("score")) };
    if (word || said) rating.word = word || null;
    send(path, rating, notSent);
  });
}

async function send(path, rating, notSent) {
  wanted = { ...wanted, ...rating };
  if (sending) return;
  sending = true;
  let answered = {};
  while (wanted) {
    const body = wanted;
    wanted = null;
    answered = await command(`${path}/satisfaction`, body, () => {});
    if (answered.answer && "word" in body) said = body.word !== null;
  }
  sending = false;
  const { answer, problem } = answered;
  if (answer && part("rated")) say(part("rated"), thanks(answer.score));
  const refused = problem ? _("This can no longer be changed.") : notSent();
  say(part("told"), answer ? "" : refused);
}

/** The field keeps what was written, so only this says that it has left the phone. */
function thanks(score) {
  const gave = _("Thank you. You gave %(score)s out of 10.", { score });
  return said ? [gave, _("What you wrote was sent.")].join(" ") : gave;
}
