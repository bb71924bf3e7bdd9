/** The ticket that was just made: on the desk's screen, and the slip of paper that it may become. */

import { language } from "./words.js";
import { say } from "./dom.js";

const part = (id) => document.getElementById(id);

/** Show a ticket: its number, what it is for (or nothing), where its page is, and the moment in a zone. */
export function fillSlip({ ticket, service, link, moment, zone }) {
  say(part("made-number"), ticket);
  say(part("slip-number"), ticket);
  say(part("slip-service"), service ?? "");
  const when = { dateStyle: "full", timeStyle: "short", timeZone: zone };
  say(part("slip-when"), new Intl.DateTimeFormat(language, when).format(moment));
  const path = URL.canParse(link) ? new URL(link).pathname : null;
  for (const id of ["made-qr", "slip-qr"]) showCode(part(id), path && `${path}/qr.svg`);
}

/** The code's picture; where it cannot be had the ticket is whole without it. */
function showCode(figure, address) {
  const picture = figure.querySelector("img");
  figure.hidden = true;
  picture.onload = () => {
    figure.hidden = false;
  };
  if (address) picture.src = address;
  else picture.removeAttribute("src");
}
