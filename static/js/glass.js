/**
 * The glass of a hall screen: which layout it has room for, when it may be dark, where its picture stands.
 *
 * Layouts come from the server, in steps: a 135th of the window's shorter side.
 */

const STEPS = 135;
const MARGIN = 6;
const ARROW_EM = 0.7;
const CAPITAL_EM = 0.689;
const LONG_TICKET = 0.84;
/** The longest part of a notice (characters): one line on a wide picture, two on an upright one. */
const NOTICE_PART = 100;
/** The picture is bright again this long before the doors open (milliseconds of house time). */
const LIGHT_BEFORE_MS = 30 * 60_000;
/** How far the picture wanders from its place (pixels), and in how many minutes there and back. */
const WAY = { x: [4, 61], y: [3, 47] };

/**
 * The layout that shows everything large enough in a window of this size (pixels), or null.
 *
 * A window is a part of the picture that was measured, so a pixel is at most as large as makes it fit in.
 * Without a measured picture only the proportions count.
 */
export function layoutFor(layouts, measured, width, height) {
  const short = Math.min(width, height);
  return (
    layouts.find((layout) => {
      if (layout.upright !== height >= width) return false;
      if (Math.max(width, height) / (short / STEPS) < layout.across) return false;
      const pixel_mm = Math.min(layout.width_mm / width, layout.height_mm / height);
      return !measured || (short / STEPS) * pixel_mm >= layout.step_mm;
    }) ?? null
  );
}

/** Whether the widest ticket and the counter `longest` have room in a typeface: `em(text)` is a width in ems. */
export function hasRoom(layout, width, height, em, longest) {
  const room = (STEPS * width) / Math.min(width, height) - 2 * MARGIN;
  const ticket = Math.max(em("W000"), em("W0000") * LONG_TICKET) + ARROW_EM;
  const column = Math.max(em(longest) * layout.newest, layout.counter);
  return ticket * layout.newest + column <= room && (em("W0000") + ARROW_EM) * layout.older + column <= room;
}

/** Measures text in a typeface as the page shows it: its capitals scaled to those of Fira Sans. */
export function ruler(family) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `600 100px ${family}`;
  const capital = pen.measureText("H").actualBoundingBoxAscent / 100;
  return (text) => ((pen.measureText(text).width / 100) * CAPITAL_EM) / capital;
}

/** A long notice in parts of one or two lines: it ends them with sentences where it can, else with words. */
export function parts(notice) {
  const made = [];
  let rest = notice;
  while (rest.length > NOTICE_PART) {
    const start = rest.slice(0, NOTICE_PART + 1);
    const sentence = Math.max(...[". ", "! ", "? "].map((end) => start.lastIndexOf(end)));
    const word = start.lastIndexOf(" ");
    const end = sentence > NOTICE_PART / 3 ? sentence + 1 : word > 0 ? word : NOTICE_PART;
    made.push(rest.slice(0, end) + (end === sentence + 1 ? "" : " …"));
    rest = rest.slice(end).trimStart();
  }
  return rest ? [...made, rest] : made;
}

/**
 * Whether the screen may be dark at `now` (house time, milliseconds): the doors are closed and stay so
 * for a while, and nobody is called or waits.
 */
export function dark(view, now) {
  if (!view || view.house.state === "open" || view.calls.length) return false;
  if (view.waiting.some((range) => range.waiting > 0)) return false;
  const opens = view.house.changes_at;
  return opens === null || Date.parse(opens) - now > LIGHT_BEFORE_MS;
}

/**
 * Where the picture stands after so many minutes, in pixels from its place: [x, y].
 *
 * Panels that show the same for years burn in. It goes at most a pixel at a time, which nobody sees
 * move, so it does so for who wants no motion as well.
 */
export function wander(minutes) {
  const minute = Math.floor(minutes);
  const along = ([far, period]) => Math.round(far * Math.sin((2 * Math.PI * minute) / period)) || 0;
  return [along(WAY.x), along(WAY.y)];
}
