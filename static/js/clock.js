/**
 * House time: what the newest frame said, carried on by a clock that nobody can set.
 *
 * The machine's own time of day is never shown: a screen whose clock is wrong would send people
 * home. `performance.now()` only tells how long ago the frame came.
 */

import { language } from "./words.js";

const LOCALE = { nl: "nl-BE", fr: "fr-BE", de: "de-BE", en: "en-GB" }[language] ?? language;
/** An hour as in a sentence, from "9" and "15". */
const HOURS = {
  nl: (hour, minute) => `${hour}.${minute} uur`,
  fr: (hour, minute) => (minute === "00" ? `${hour} h` : `${hour} h ${minute}`),
  de: (hour, minute) => `${hour}.${minute} Uhr`,
};

export class HouseClock {
  #at = null;
  #heard = 0;
  #speed = 1;
  #zone = "UTC";
  #formats = new Map();

  /** Take `at` (RFC 3339) as now, at `speed` house seconds a second, told in the zone of the house. */
  set(at, house) {
    this.#at = Date.parse(at);
    this.#heard = performance.now();
    if (!house) return;
    this.#speed = house.speed;
    if (house.time_zone !== this.#zone) {
      this.#zone = house.time_zone;
      this.#formats.clear();
    }
  }

  get known() {
    return this.#at !== null;
  }

  /** House time now, in milliseconds since 1970. */
  now() {
    return this.#at + (performance.now() - this.#heard) * this.#speed;
  }

  /** Seconds of house time since an instant of the wire; never below 0. */
  since(instant) {
    return Math.max(0, (this.now() - Date.parse(instant)) / 1000);
  }

  /** Real seconds that passed from an instant of the wire to now; 0 where house time stands still. */
  realSince(instant) {
    return this.#speed > 0 ? this.since(instant) / this.#speed : 0;
  }

  /** "09:15", as on a clock. */
  time(moment) {
    return this.#format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, moment);
  }

  /** "9.15 uur", as in a sentence of the page's language. */
  hour(moment) {
    const said = HOURS[language] ?? ((hour, minute) => `${hour}:${minute}`);
    return said(...this.time(moment).replace(/^0/, "").split(":"));
  }

  /** "maandag 23 november". */
  date(moment) {
    return this.#format({ weekday: "long", day: "numeric", month: "long" }, moment);
  }

  #format(options, moment) {
    const key = JSON.stringify(options);
    if (!this.#formats.has(key)) {
      this.#formats.set(key, new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: this.#zone }));
    }
    return this.#formats.get(key).format(typeof moment === "string" ? Date.parse(moment) : moment);
  }
}

/** "0:42" or "1:02:05", for a duration in seconds. */
export function elapsed(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const rest = [Math.floor((whole % 3600) / 60), whole % 60];
  const parts = hours ? [hours, ...rest] : rest;
  return parts.map((part, place) => (place ? String(part).padStart(2, "0") : String(part))).join(":");
}
