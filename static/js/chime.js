/**
 * The chime: two soft notes, made here rather than fetched, and never two at once.
 *
 * Browsers refuse sound before somebody has touched the page, unless a kiosk's flags allow it.
 * A refusal is told, not swallowed.
 */

/** A falling major third, like a door bell: [frequency in Hz, start in s]. */
const NOTES = [
  [659.26, 0],
  [523.25, 0.55],
];
/** The overtones of a struck bar, faint: [multiple, loudness]. */
const OVERTONES = [
  [1, 1],
  [2, 0.18],
  [3, 0.06],
];
const NOTE_S = 1.6;
/** From one chime to the next: time to look up and read the number. */
export const CHIME_S = 3;

export class Chime {
  #context = null;
  #queue = [];
  #busy = false;
  #still;
  #ring;

  /**
   * `still(call)` tells whether a call is still shown when its turn comes; `ring(call, heard)` is told
   * each announcement and whether it was heard; `changed()` when sound was refused or allowed.
   */
  constructor({ on, still, ring, changed }) {
    this.#still = still;
    this.#ring = ring;
    if (!on) return;
    this.#context = new AudioContext();
    this.#context.onstatechange = changed;
    const unlock = () => this.allow();
    addEventListener("pointerdown", unlock);
    addEventListener("keydown", unlock);
  }

  /** Whether sound is wanted here and the browser does not play it. */
  get refused() {
    return this.#context !== null && this.#context.state !== "running";
  }

  /** `on`, `off` where no sound is wanted here, or `refused`. */
  get state() {
    if (this.#context === null) return "off";
    return this.refused ? "refused" : "on";
  }

  /** Ask the browser again; works inside a touch or a key press. */
  allow() {
    if (this.refused) this.#context.resume().catch(() => {});
  }

  /** Announce these calls one after the other, in this order, after those that still wait. */
  announce(calls) {
    this.#queue.push(...calls);
    this.#next();
  }

  #next() {
    if (this.#busy) return;
    this.#queue = this.#queue.filter(this.#still);
    const call = this.#queue.shift();
    if (!call) return;
    this.#busy = true;
    const heard = this.#context !== null && !this.refused;
    if (heard) this.#play();
    this.#ring(call, heard);
    setTimeout(() => {
      this.#busy = false;
      this.#next();
    }, CHIME_S * 1000);
  }

  #play() {
    const context = this.#context;
    for (const [frequency, after] of NOTES) {
      const start = context.currentTime + after;
      for (const [multiple, loudness] of OVERTONES) {
        const tone = new OscillatorNode(context, { frequency: frequency * multiple });
        const volume = new GainNode(context, { gain: 0 });
        volume.gain.setValueAtTime(0, start);
        volume.gain.linearRampToValueAtTime(0.4 * loudness, start + 0.01);
        volume.gain.exponentialRampToValueAtTime(0.0001, start + NOTE_S);
        tone.connect(volume).connect(context.destination);
        tone.start(start);
        tone.stop(start + NOTE_S);
      }
    }
  }
}
