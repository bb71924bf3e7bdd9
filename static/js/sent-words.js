/** What became of a message, in words for who sits at the desk. */

import { _, ngettext } from "./words.js";

const CHANNELS = () => ({ sms: _("by SMS"), mail: _("by e-mail"), push: _("on the phone") });

const KINDS = () => ({
  reminder: _("Reminder"),
  almost: _("Almost your turn"),
  go: _("Go to the counter"),
  delayed: _("We run late"),
  closing: _("We close"),
  confirmed: _("Answer: will come"),
  cancelled: _("Answer: cancelled"),
  late: _("Answer: comes later"),
  "call-back": _("Answer: will be called back"),
  stopped: _("Answer: no messages any more"),
  unknown: _("Answer: not understood"),
  over: _("Answer: too late to change"),
});

/** "Reminder, 2 hours before, by SMS". */
export function title({ kind, step, channel }) {
  return [KINDS()[kind] ?? _("Message"), before(step), CHANNELS()[channel]].filter(Boolean).join(", ");
}

/** "3 days before", from "3d"; nothing for what is no rung of a ladder. */
function before(step) {
  const [, count, unit] = /^(\d+)(d|h|min)$/.exec(step) ?? [];
  const number = Number(count);
  if (unit === "d") return ngettext("%(number)s day before", "%(number)s days before", number);
  if (unit === "h") return ngettext("%(number)s hour before", "%(number)s hours before", number);
  return unit ? ngettext("%(number)s minute before", "%(number)s minutes before", number) : "";
}

/** `{tone, text}`: how far the message came, and why no further. `when` makes words of an instant. */
export function standing(line, when) {
  const { state, reason } = line;
  if (state === "failed") return { tone: "bad", text: failed(line) };
  if (state === "withdrawn") return { tone: "off", text: withdrawn(reason) };
  if (state === "planned") {
    if (line.attempts && reason) return { tone: "wait", text: _("did not go out yet, is tried again (%(why)s)", { why: code(reason) }) };
    return { tone: "wait", text: _("goes out %(when)s", { when: when(line.due) }) };
  }
  if (state === "sending") return { tone: "wait", text: _("is being sent") };
  const parts = [arrived(line, when)];
  if (line.clicked) parts.push(_("opened %(when)s", { when: when(line.clicked) }));
  if (line.answered) parts.push(_("answered %(when)s", { when: when(line.answered) }));
  const heard = line.clicked || line.answered;
  const bad = reason === "not-reached" && !heard && state === "accepted";
  const sure = heard || state !== "accepted" || line.channel === "mail";
  return { tone: bad ? "bad" : sure ? "good" : "wait", text: parts.join(", ") };
}

function arrived(line, when) {
  if (line.state === "shown") return _("shown %(when)s", { when: when(line.shown ?? line.due) });
  if (line.state === "delivered") return _("delivered %(when)s", { when: when(line.delivered ?? line.due) });
  const at = when(line.accepted ?? line.due);
  if (line.reason === "not-reached") return _("handed over %(when)s, but never arrived as far as we know", { when: at });
  if (line.channel === "mail") return _("handed over %(when)s", { when: at });
  return _("handed over %(when)s, not yet confirmed", { when: at });
}

function failed({ reason, attempts }) {
  if (reason === "given-up") {
    return ngettext(
      "given up after %(number)s attempt: no answer from the gateway",
      "given up after %(number)s attempts: no answer from the gateway",
      attempts,
    );
  }
  if (reason?.startsWith("template")) return _("not sent: its text has a mistake; tell who runs the server");
  return UNSENT()[reason] ?? _("not delivered (%(why)s)", { why: code(reason) });
}

/** Why a message did not go out, by its reason: first those that leave the person without it. */
const UNSENT = () => ({
  "no-address": _("not sent: no number or address is known"),
  "too-late": _("not sent: it would have come too late"),
  quiet: _("not sent: there was only quiet time left"),
  "opted-out": _("not sent: the person wants no messages"),
  "not-safe": _("not sent: no channel is safe for this person"),
  cancelled: _("not sent: cancelled before"),
  moved: _("not sent: the appointment was moved"),
  reported: _("not sent: the person was here already"),
  never: _("not sent: the day was over"),
  ladder: _("not sent: the house has other reminders now"),
});

function withdrawn(reason) {
  return UNSENT()[reason] ?? _("not sent: no longer needed");
}

/** A few codes that every channel may give, in words; a gateway's own stand as they are. */
function code(reason) {
  return { timeout: _("no answer in time"), "not-reached": _("never arrived") }[reason] ?? reason ?? _("no reason given");
}

const EVENTS = () => ({
  sent: _("sent"),
  later: _("to be tried again"),
  accepted: _("handed over"),
  delivered: _("delivered"),
  shown: _("shown"),
  clicked: _("opened"),
  answered: _("answered"),
  failed: _("failed"),
  "not-reached": _("never arrived"),
  "given-up": _("given up"),
});

/** "handed over", for something that happened to a message. */
export function happened(kind) {
  return EVENTS()[kind] ?? withdrawn(kind);
}
