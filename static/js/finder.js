/** The desk's question to the house: who has an appointment today and is called so. */

/** Somebody who types is not asked about after each letter (ms). */
const PAUSE_MS = 120;
const ANSWER_S = 5;
const AGAIN_MS = 1500;
/** With fewer letters and digits the house looks for nobody. */
export const SHORTEST = 2;

/** "c4" as it stands on paper: "C004"; null where it is no ticket's number. */
export function ticketNumber(typed) {
  const [, range, number] = /^([A-Z]) ?-?(\d{1,4})$/.exec(typed.trim().toUpperCase()) ?? [];
  return range ? range + number.padStart(3, "0") : null;
}

export class Finder {
  #path;
  #tell;
  #asking = null;
  #timer = 0;

  /** What the answer is about; null before the first letters. */
  text = null;
  /** `{appointments, more}`, or null while it is awaited. */
  answer = null;

  /** Ask at `site`; `changed()` is told of each answer, `refused(status)` where the house gives none. */
  constructor(site, { changed, refused }) {
    this.#path = `/api/v1/sites/${site}/appointments`;
    this.#tell = { changed, refused };
  }

  /** Look for this; what was asked before is forgotten, its names as well. */
  ask(text, pause_ms = PAUSE_MS) {
    this.forget();
    if (!text) return;
    this.text = text;
    this.#timer = setTimeout(() => this.#fetch(text), pause_ms);
  }

  forget() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = this.text = this.answer = null;
  }

  async #fetch(text) {
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const response = await fetch(`${this.#path}?${new URLSearchParams({ q: text })}`, {
        signal: AbortSignal.any([asking.signal, AbortSignal.timeout(ANSWER_S * 1000)]),
      });
      if (response.ok) {
        const answer = await response.json();
        if (this.#asking !== asking) return;
        this.answer = answer;
        this.#tell.changed();
        return;
      }
      if (response.status < 500) {
        if (this.#asking === asking) this.#tell.refused(response.status);
        return;
      }
    } catch {
      // No answer, or the question is no longer asked: the next lines tell which.
    }
    if (this.#asking === asking) this.#timer = setTimeout(() => this.#fetch(text), AGAIN_MS);
  }
}
