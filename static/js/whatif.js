/** How far an answer is. The page itself has it once it is there, so that it is read without a script too. */

import { _ } from "./words.js";

const path = `/${document.body.dataset.site}/whatif`;
/** How often the page asks how far it is (milliseconds). */
const EVERY_MS = 400;

const running = document.getElementById("running");
const bar = document.getElementById("progress");
const MARK = "whatif-asked";

async function follow() {
  let found;
  try {
    const response = await fetch(`${path}/progress`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) return location.reload(); // the page leads to the sign-in
    found = await response.json();
  } catch {
    return setTimeout(follow, EVERY_MS * 5);
  }
  if (!found.open) return location.reload();
  if (found.total) {
    bar.max = found.total;
    bar.value = found.done;
    bar.textContent = _("%(done)s of %(total)s", found);
  }
  return setTimeout(follow, EVERY_MS);
}

if (running) {
  sessionStorage.setItem(MARK, "1");
  follow();
} else if (sessionStorage.getItem(MARK)) {
  // Who waited for the answer is led to it.
  sessionStorage.removeItem(MARK);
  document.getElementById("verdict")?.focus();
}
