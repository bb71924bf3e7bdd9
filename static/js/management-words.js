/** What the overview says of things that are wrong, of counters and of screens. */

import { _, language, ngettext } from "./words.js";

const CHANNELS = { sms: "SMS", mail: "e-mail", push: "push" };
const either = new Intl.ListFormat(language, { type: "disjunction" });

/** What is wrong, and what to do next. `names` tells services, screens and who serves what. */
export function told(alert, names) {
  const service = names.service(alert.service);
  const screen = names.screen(alert.screen);
  const { counter } = alert;
  switch (alert.kind) {
    case "no-counter":
      return [
        _("People wait for %(service)s, and no counter is open for it.", { service }),
        _("Open a counter that serves it: %(counters)s.", { counters: either.format(names.serving(alert.service)) }),
      ];
    case "wait":
      return [
        _("The wait for %(service)s is past its limit.", { service }),
        names.closed(alert.service).length
          ? _("Open another counter for it, or go and speak with who waits longest.")
          : _("Every counter for it is open: go and see what holds them up, and speak with who waits longest."),
      ];
    case "screen-silent":
      return [
        names.known(alert.screen)
          ? _("The screen “%(screen)s” is silent.", { screen })
          : _("The screen “%(screen)s” has not been heard yet.", { screen }),
        names.known(alert.screen)
          ? _("Go and look. Switch it off and on; until it is back, call the numbers out loud there.")
          : _("Not let in yet? Open /screen on it, and confirm its code under “Screens and kiosks”."),
      ];
    case "panel-silent":
      return [
        _("The panel of counter %(counter)s is silent.", { counter }),
        _("Ask at the counter: load the page again, or go on with another device."),
      ];
    case "late-wave":
      return [
        alert.count === null
          ? _("Many who have an appointment are late or do not come.")
          : _("Many are late: %(count)s of the last %(of)s who have an appointment were not here in time.", alert),
        _("Call walk-ins meanwhile; find out why: the traffic, the weather, the door, the reminders."),
      ];
    case "reminders-failing": {
      const channel = CHANNELS[alert.channel] ?? alert.channel;
      return [
        alert.count === null
          ? _("Reminders by %(channel)s do not get out.", { channel })
          : _("Reminders by %(channel)s do not get out: %(count)s of the last %(of)s failed.", { ...alert, channel }),
        _("Look at the sent messages for what the gateway says, and call its provider."),
      ];
    }
    case "sound-refused":
      return [
        _("The screen “%(screen)s” may not make a sound.", { screen }),
        _("Touch it once, or allow sound in its browser. Until then nobody hears a call there."),
      ];
    default:
      return [alert.kind, ""];
  }
}

/** What a counter does. */
export function doing(counter) {
  if (counter.status === "called") return _("has called");
  if (counter.status === "serving") return _("serves");
  if (counter.mode === "open") return _("is free");
  return counter.mode === "paused" ? _("pauses") : _("is closed");
}

/** What a line of the table of screens is. */
export function title(screen) {
  if (screen.kind === "screen") return screen.name;
  if (screen.kind === "panel") return _("Panel of counter %(counter)s", { counter: screen.id });
  return ngettext("%(number)s other hall screen", "%(number)s other hall screens", screen.connections);
}

export function state(screen) {
  if (screen.state === "online") return _("answers");
  return screen.state === "silent" ? _("silent") : _("not heard yet");
}

/** What is known of a screen's sound; panels have none. */
export function sound(screen) {
  if (screen.sound === "refused") return _("refused");
  if (screen.sound === "on") return _("on");
  if (screen.sound === "off") return screen.sounds ? _("off, but it should sound") : _("off");
  return screen.kind === "screen" && screen.sounds ? _("not known") : "–";
}
