/** All wording of the counter panel that depends on what happens; the template has the rest. */

const listed = new Intl.ListFormat("nl", { type: "conjunction" });

/** "A010, A011 en 3 anderen". */
function some(tickets) {
  const [named, rest] = [tickets.slice(0, 3), tickets.length - 3];
  if (rest > 0) named.push(rest === 1 ? "1 ander" : `${rest} anderen`);
  return listed.format(named);
}

/** Why a ticket is (or was) next. `ticket` has rule, slot_at and reported_at; `hour` tells an instant. */
export function because(ticket, hour) {
  switch (ticket.rule) {
    case "again":
      return "Kwam terug of werd doorgestuurd, en houdt de oude plaats.";
    case "priority":
      return "Heeft voorrang.";
    case "overdue":
      return `Wacht al langer dan de grens (sinds ${hour(ticket.reported_at)}) en gaat nu vóór de afspraken.`;
    case "appointment":
      return `Afspraak van ${hour(ticket.slot_at)}.`;
    case "walk-in":
      return ticket.slot_at
        ? `Meldde zich te laat voor de afspraak van ${hour(ticket.slot_at)}; telt vanaf ${hour(ticket.reported_at)}.`
        : `Zonder afspraak, wacht sinds ${hour(ticket.reported_at)}.`;
    case "early":
      return `Vroeg voor de afspraak van ${hour(ticket.slot_at)}.`;
    case "overflow":
      return "Van het snelloket; voor dit loket zelf wacht niemand.";
    default:
      return "Op nummer opgeroepen.";
  }
}

/** Whom it passes, in one short sentence; empty where nobody. */
export function passing(tickets) {
  return tickets.length ? `Gaat voor ${some(tickets)}.` : "";
}

/** The same rules in a word or two, for the queue. */
export function standing(ticket, hour) {
  switch (ticket.rule) {
    case "again":
      return "terug";
    case "priority":
      return "voorrang";
    case "overdue":
      return "wacht lang";
    case "appointment":
      return `afspraak ${hour(ticket.slot_at)}`;
    case "walk-in":
      return ticket.slot_at ? `te laat voor ${hour(ticket.slot_at)}` : "zonder afspraak";
    case "early":
      return `vroeg voor ${hour(ticket.slot_at)}`;
    case "overflow":
      return "snelloket";
    default:
      return ticket.rule;
  }
}

export const words = {
  title: (counter, ticket) => (ticket ? `${ticket} – Loket ${counter}` : `Loket ${counter}`),
  connecting: "De verbinding wordt gemaakt …",
  cut: "Geen verbinding",
  cutText: (seconds) =>
    `Wat u ziet is ${seconds} seconden oud. U kunt nu niets doen; het loket komt vanzelf terug.`,
  refused: {
    4403: ["Geen toegang", "Met deze aanmelding mag u dit loket niet bedienen."],
    4404: ["Onbekend loket", "Dit loket staat niet in de configuratie van het huis."],
  },
  mode: { open: "Open", paused: "Pauze", closed: "Gesloten" },
  stage: {
    closed: "Dit loket is gesloten",
    paused: "Dit loket heeft pauze",
    idle: "Er wacht niemand voor dit loket",
    next: "Volgende",
    called: "Opgeroepen",
    serving: "Aan het loket",
  },
  step: {
    closed: "Loket openen",
    paused: "Loket weer openen",
    idle: "Roep de volgende op",
    called: "Persoon is er",
    serving: "Klaar",
  },
  callNext: (ticket) => `Roep ${ticket} op`,
  quiet: (stage, people) => {
    if (stage === "idle") return "Zodra iemand zich meldt, verschijnt het ticket hier.";
    if (people === 0) return "Er wacht niemand voor dit loket.";
    return people === 1 ? "Er wacht 1 ticket voor dit loket." : `Er wachten ${people} tickets voor dit loket.`;
  },
  goesOn: (service) => `Klaar, verder met ${service}`,
  since: { called: (time) => `${time} geleden`, serving: (time) => `${time} bezig` },
  persons: (people) => `${people} personen`,
  language: (name) => `spreekt ${name}`,
  accompanied: "wordt begeleid door een collega",
  priority: "voorrang",
  slot: (hour) => `afspraak ${hour}`,
  recalled: (times) => (times === 1 ? "1 keer herhaald" : `${times} keer herhaald`),
  recallFirst: (times) => (times === 1 ? "eerst nog 1 keer herhalen" : `eerst nog ${times} keer herhalen`),
  more: (people) => (people === 1 ? "en nog 1 ticket" : `en nog ${people} tickets`),
  away: { parked: (hour) => `weg sinds ${hour}`, "not-present": (hour) => `niet verschenen om ${hour}` },
  call: "Roep op",
  mark: "Voorrang",
  returned: "Is terug",
  undo: (what, left) => (left ? `${what} (nog ${left})` : what),
  undone: {
    "counter-opened": "Het openen ongedaan maken",
    "counter-paused": "De pauze ongedaan maken",
    "counter-closed": "Het sluiten ongedaan maken",
    called: "De oproep ongedaan maken",
    recalled: "De herhaling ongedaan maken",
    "service-started": "“Persoon is er” ongedaan maken",
    "service-finished": "“Klaar” ongedaan maken",
    "not-present": "“Niet verschenen” ongedaan maken",
    parked: "“Even weg” ongedaan maken",
    transferred: "Het doorsturen ongedaan maken",
  },
  undoLast: "Het laatste ongedaan maken",
  toCounter: (counter, mode) => (mode === "paused" ? `Loket ${counter} (pauze)` : `Loket ${counter}`),
  unsure: "Nog geen antwoord. We vragen het opnieuw; er gebeurt niets dubbel.",
  unknown: "Er kwam geen antwoord. Kijk hierboven: zodra er weer verbinding is, staat daar wat gebeurd is.",
  nobody: "Er wacht niemand.",
  failed: (code) => `Dat lukte niet (${code}).`,
};

/** "c4" as it stands on paper: "C004". What is no letter with a number stays as it was typed. */
export function ticketNumber(typed) {
  const [, range, number] = /^([A-Z]+)[ -]?(\d+)$/.exec(typed.trim().toUpperCase()) ?? [];
  return range ? range + number.padStart(3, "0") : typed.trim().toUpperCase();
}

/** What a refusal means to who stands at the counter, by its stable code and facts. */
export function refusal({ code, ticket, counter, status } = {}, httpStatus) {
  const which = ticket ?? "Dit ticket";
  const sentences = {
    "unknown-ticket": `${which} is vandaag niet uitgegeven.`,
    "not-waiting": `${which} wacht niet (meer).`,
    "not-away": `${which} was niet weg.`,
    "visit-over": `${which} is al geholpen of vertrokken.`,
    "not-this-counter": `${which} is niet voor dit loket.`,
    "counter-not-open": counter ? `Loket ${counter} is niet open.` : "Het loket is niet open.",
    "counter-busy": ticket ? `${ticket} is al aan dit loket.` : "Er is al iemand aan dit loket.",
    "nobody-at-counter": "Er is niemand aan dit loket.",
    "not-called": `${which} wordt al geholpen.`,
    "recall-first": `Herhaal eerst de oproep van ${which}.`,
    "bad-transfer": "Kies één dienst of één ander loket.",
    "unknown-service": "Die dienst bestaat niet.",
    "unknown-counter": "Dat loket bestaat niet.",
    "nothing-to-undo": "Er is niets om ongedaan te maken.",
    "undo-too-late": "Dat is te lang geleden om ongedaan te maken.",
    "undo-moved-on": "Dat kan niet meer: intussen is er iets anders met dit ticket gebeurd.",
    "not-allowed": "Met deze aanmelding mag u dat niet.",
    "day-over": "De dag is afgelopen.",
    "house-closed": "Het huis is gesloten.",
  };
  return sentences[code] ?? words.failed(code ?? httpStatus ?? status);
}
