/**
 * The live connection of a page to one topic: whole views come in, receipts go out.
 *
 * The page keeps the newest view by (seq, at) and never goes back. It reconnects by itself for as
 * long as it lives, and says how long nothing was heard, so that the page can say so too.
 */

/** A screen's two heartbeats missed: the line is dead, even where nobody closed it (seconds). */
const QUIET_S = 10;
/** How long an attempt may take before another is made: a lost SYN is sent again after 1 s and 3 s (seconds). */
const CONNECT_S = 2.5;
/** A phone hears something every 20 s, and far out in the country it is slow to connect. */
export const PHONE = { quiet_s: 45, connect_s: 8 };
/** Waiting between attempts, doubled each time; with `last` a repair is noticed within 2 s (seconds). */
const BACKOFF_S = { first: 0.25, last: 1.5 };
/** A refusal may be mended (rights given, counter added): ask again, seldom (seconds). */
const REFUSED_S = 30;
/** A server that says older things for so long has another journal than ours (seconds). */
const OTHER_JOURNAL_S = 15;
const VERSION = 1;

export const STALE_S = 15;
export const LOST_S = 60;

export class Live {
  #topic;
  #tell;
  #shown;
  #quiet_s;
  #connect_s;
  #socket = null;
  #newest = null;
  #attempt = 0;
  #timer = 0;
  #older = null;
  #stopped = false;
  #toPaint = null;
  #sound = null;
  #soundTold = null;
  #mono = performance.now();
  #wall = Date.now();
  #began = performance.now();
  #tick = Date.now() - performance.now();

  /** `connecting` before the first frame, then `live` or `cut`; or `refused`. */
  link = "connecting";
  /** The close code of a refusal: 4401, 4403 or 4404. */
  refusal = null;
  /** The seq up to which the picture is known to be right. */
  seq = -1;

  /**
   * Watch `topic` ("mechelen/hall"). `view(frame, first)` gets each newer view, `beat(frame)` every
   * frame that counts, `changed()` each change of `link`. Silence for `quiet_s` means a dead line, and an
   * attempt to connect may take `connect_s`.
   * While `shown()` holds, every frame that counts gets a receipt; a phone tells views only, itself.
   */
  constructor(topic, { view, beat = () => {}, changed = () => {}, shown = () => true, ...line }) {
    const { quiet_s = QUIET_S, connect_s = CONNECT_S } = line;
    this.#topic = topic;
    this.#shown = topic.startsWith("visits/") ? () => false : shown;
    this.#tell = { view, beat, changed };
    this.#quiet_s = quiet_s;
    this.#connect_s = connect_s;
    addEventListener("online", () => this.#again(0));
    addEventListener("offline", () => this.#offline());
    // A page that goes away must not count as a viewer until the server notices.
    addEventListener("pagehide", () => this.#drop());
    addEventListener("pageshow", (event) => event.persisted && this.#connect());
    setInterval(() => this.#watch(), 500);
    this.#connect();
  }

  /** Ask no more, ever: there is nothing left to hear. */
  stop() {
    this.#stopped = true;
    this.#drop();
  }

  /** Seconds since the last frame that counted (or since the page began). */
  silence() {
    // A laptop's monotonic clock may stand still while it sleeps; the other one does not.
    return Math.max(performance.now() - this.#mono, Date.now() - this.#wall, 0) / 1000;
  }

  /** Tell the server that the view of `seq` is on the glass, once it really is. */
  painted(seq) {
    const waiting = this.#toPaint !== null;
    this.#toPaint = seq;
    if (waiting) return;
    // The callback runs before the paint; a task queued from it runs after.
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.#send({ painted: this.#toPaint });
        this.#toPaint = null;
      }),
    );
  }

  /** Tell the server whether this screen sounds, `on`, `off` or `refused`: now, and on each new connection. */
  sound(state) {
    this.#sound = state;
    // Before the first frame nobody knows whether the connection is let in; its receipt will tell.
    if (this.link === "live" && this.#soundTold !== state) this.#send({});
  }

  /** Tell the server which calls were heard in the hall. */
  sounded(calls) {
    this.#send({ sounded: calls });
  }

  #send(receipt) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const sound = this.#soundTold === this.#sound ? {} : { sound: this.#sound };
    this.#soundTold = this.#sound;
    this.#socket.send(JSON.stringify({ ...receipt, ...sound }));
  }

  #connect() {
    this.#drop();
    if (this.#stopped) return;
    this.#began = performance.now();
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/live/${this.#topic}`);
    this.#socket = socket;
    this.#soundTold = null;
    let first = true;
    socket.onmessage = ({ data }) => {
      this.#take(JSON.parse(data), first);
      first = false;
    };
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  /** Forget the socket without waiting for its farewell, which on a dead line takes minutes. */
  #drop() {
    clearTimeout(this.#timer);
    if (!this.#socket) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #take(frame, first) {
    if (frame.v !== VERSION) return reload();
    const held = this.#newest;
    // On a new connection the same seq may come with an earlier `at`: house time resumed there.
    const older = held && (frame.seq < held.seq || (frame.seq === held.seq && frame.at < held.at && !first));
    if (older) {
      this.#older ??= performance.now();
      return undefined;
    }
    this.#older = null;
    this.#mono = performance.now();
    this.#wall = Date.now();
    this.#attempt = 0;
    this.seq = Math.max(this.seq, frame.seq);
    this.#tell.beat(frame);
    const known = held && frame.seq === held.seq && frame.at === held.at;
    if (frame.view && !known) {
      this.#newest = { seq: frame.seq, at: frame.at };
      this.#tell.view(frame, held === null);
    }
    if (this.#newest && this.#shown()) this.painted(this.#newest.seq);
    return this.#become("live");
  }

  #closed(code, reason) {
    this.#socket = null;
    if (code === 4401 && this.link === "live") {
      // The session that let us in has ended; the browser may have a newer one, from another tab.
      this.#become("cut");
      return this.#again(0);
    }
    if (code === 4401 || code === 4403 || code === 4404) {
      this.refusal = code;
      this.#become("refused");
      return this.#again(REFUSED_S);
    }
    this.#become(this.#newest ? "cut" : "connecting");
    const asked = code === 1012 || code === 1013 ? Number.parseFloat(reason) : Number.NaN;
    if (asked >= 0) return this.#again(Math.min(asked, 60) * (1 + Math.random() / 10));
    const step = Math.min(BACKOFF_S.last, BACKOFF_S.first * 2 ** this.#attempt);
    this.#attempt += 1;
    return this.#again(step * (0.5 + Math.random() / 2));
  }

  /** The machine has lost its network: no socket lives through that, but a server on itself is still there. */
  #offline() {
    if (this.#stopped || this.link === "refused") return;
    this.#drop();
    this.#become(this.#newest ? "cut" : "connecting");
    this.#again(BACKOFF_S.first);
  }

  #again(delay_s) {
    if (this.#stopped || this.#socket?.readyState === WebSocket.OPEN) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), delay_s * 1000);
  }

  #watch() {
    const now = performance.now();
    if (this.#older !== null && now - this.#older > OTHER_JOURNAL_S * 1000) reload();
    if (!this.#socket) return;
    const tried_s = (now - this.#began) / 1000;
    const open = this.#socket.readyState === WebSocket.OPEN;
    const dead = open ? this.silence() > this.#quiet_s && tried_s > this.#quiet_s : tried_s > this.#connect_s;
    // After a machine's sleep its two clocks have parted; the socket is most likely dead, so ask at once.
    const tick = Date.now() - now;
    const slept = tick - this.#tick > Math.min(this.#quiet_s, QUIET_S) * 1000;
    this.#tick = tick;
    if (!dead && !slept) return;
    this.#become(this.#newest ? "cut" : "connecting");
    this.#connect();
  }

  #become(link) {
    if (this.link === link) return;
    this.link = link;
    this.#tell.changed();
  }
}

/** Begin anew with the server's own page, at most once a minute. */
function reload() {
  const last = Number(sessionStorage.getItem("reloaded"));
  if (Math.abs(Date.now() - last) < 60_000) return;
  sessionStorage.setItem("reloaded", String(Date.now()));
  location.reload();
}

/** Where to go for a session, and come back from; a screen, before which nobody sits, asks for a code. */
export function signIn() {
  if (new URLSearchParams(location.search).has("screen")) location.replace("/screen");
  else location.replace(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}
