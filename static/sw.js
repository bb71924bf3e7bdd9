/**
 * The service worker: it keeps the shell of hall screens and tickets, and nothing else.
 *
 * The network comes first, always; what is kept is for when it does not answer. Which addresses may be
 * kept is decided here alone, whatever a page asks for. docs/decisions/service-worker.md says why.
 */

/** Another name makes a new version drop all that older ones kept. */
const CACHE = "onthaal-1";
/** How long the network may take before a kept page is shown instead. */
const PATIENCE_MS = 3000;
/** How long, after it did not, what is kept is not waited for. */
const DOUBT_MS = 10_000;
/** How many tickets are kept: the newest. */
const TICKETS = 5;

const HALL = /^\/[a-z0-9-]+\/hall$/;
const TICKET = /^\/t\/[\w-]+$/;
const PART = /^\/(static\/(css|js)\/[\w.-]+|static\/favicon\.svg|fonts\/[\w.-]+)$/;
const QUERY = ["screen", "lang"];

/** `hall`, `ticket`, `part`, or null for what is never kept. */
function kindOf(address) {
  const url = new URL(address);
  if (url.origin !== location.origin || [...url.searchParams.keys()].some((name) => !QUERY.includes(name))) return null;
  if (TICKET.test(url.pathname)) return "ticket";
  if (HALL.test(url.pathname)) return "hall";
  return PART.test(url.pathname) && !url.search ? "part" : null;
}

addEventListener("install", () => skipWaiting());

addEventListener("activate", (event) => event.waitUntil(Promise.all([dropOld(), clients.claim()])));

addEventListener("message", (event) => event.waitUntil(keepAll(event.data?.keep ?? [])));

addEventListener("fetch", (event) => {
  const { request } = event;
  const signsOut = request.method === "DELETE" && new URL(request.url).pathname === "/session";
  if (signsOut) event.waitUntil(forget((kind) => kind === "hall"));
  const kind = request.method === "GET" ? kindOf(request.url) : null;
  const navigates = request.mode === "navigate";
  if (kind === "part") event.respondWith(part(event));
  else if (kind && navigates) event.respondWith(page(event));
  // A ticket asks for itself to be fresh: an old answer would be taken for a new one.
  else if (kind === "ticket") event.respondWith(fresh(event));
});

addEventListener("push", (event) => event.waitUntil(tell(event.data)));

addEventListener("notificationclick", (event) => {
  event.notification.close();
  if (event.notification.data?.link) event.waitUntil(go(event.notification.data.link));
});

/** How long to wait before each further try to say that a message was shown. */
const AGAIN_MS = [0, 1000, 5000, 15_000];

/** Show a message, then say so: only what is said to be shown counts, and another channel waits for it. */
async function tell(data) {
  let message = {};
  try {
    message = data.json();
  } catch {
    // Nobody but this house can write it; a browser wants something shown all the same.
  }
  const { title, body = "", link = "", delivery = "", receipt = "", language = "" } = message;
  // A repeat takes the place of the first, in silence.
  await registration.showNotification(title || "Onthaal", { body, lang: language, tag: delivery, data: { link } });
  if (receipt) await report(receipt);
}

async function report(receipt) {
  for (const wait of AGAIN_MS) {
    await new Promise((done) => setTimeout(done, wait));
    try {
      const answer = await fetch(receipt, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ shown: true }),
      });
      if (answer.status < 500) return;
    } catch {
      // No line: once more, while the browser lets this worker live.
    }
  }
}

/** Bring the page forward that a message is about; open it where it is not. */
async function go(link) {
  const { href, pathname, origin } = new URL(link, location.origin);
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = pages.find(({ url }) => new URL(url).origin === origin && new URL(url).pathname === pathname);
  return open ? open.focus() : clients.openWindow(href);
}

/** Until when the network is not trusted to answer: a page of many parts waits for it once. */
let doubtful = 0;

async function page(event) {
  return inTime(event.request.url, fresh(event));
}

/** Styles and scripts of the pages that are kept; those of other pages only pass through. */
async function part(event) {
  const asks = await clients.get(event.clientId);
  if (!asks || !["hall", "ticket"].includes(kindOf(asks.url))) return fetch(event.request);
  return inTime(event.request.url, fresh(event));
}

/** The network's answer if it comes soon, else what is kept, else whatever the network says in the end. */
async function inTime(address, answer) {
  const patience = Date.now() < doubtful ? 0 : PATIENCE_MS;
  const late = new Promise((done) => setTimeout(done, patience, null));
  const soon = await Promise.race([answer.catch(() => null), late]);
  if (soon && soon.status < 500) return soon;
  doubtful = Date.now() + DOUBT_MS;
  return (await kept(address)) ?? answer;
}

async function fresh(event) {
  const asked = (turn += 1);
  const answer = fetch(event.request);
  const stored = answer.then((response) => store(event.request.url, response.clone(), asked));
  event.waitUntil(stored.catch(() => {}));
  return answer;
}

/** What is kept under an address; a ticket rather in another language than not at all. */
async function kept(address) {
  const cache = await caches.open(CACHE);
  const found = await cache.match(address, { ignoreVary: true });
  if (found || kindOf(address) !== "ticket") return found;
  return cache.match(address, { ignoreVary: true, ignoreSearch: true });
}

/** Answers overtake each other: what was asked earlier never replaces what was asked later. */
let turn = 0;
const newest = new Map();

function overtaken(address, asked) {
  if (asked < (newest.get(address) ?? 0)) return true;
  newest.set(address, asked);
  return false;
}

async function store(address, response, asked) {
  const kind = kindOf(address);
  const cache = await caches.open(CACHE);
  const text = kind === "part" ? "" : await response.text();
  if (overtaken(address, asked)) return;
  if (!response.ok || response.redirected) {
    // A page that is not for us any more is not shown again; a server in trouble takes nothing away.
    const ours = { ignoreVary: true, ignoreSearch: true };
    if (kind !== "part" && response.status < 500) await cache.delete(address, ours);
    return;
  }
  if (kind === "part") return cache.put(address, response);
  // When it was kept, by this device's own clock: the page tells its age from it.
  const dated = text.replace("<html ", `<html data-kept="${Date.now()}" `);
  await cache.put(address, new Response(dated, { headers: response.headers }));
  if (kind !== "ticket") return;
  const tickets = (await cache.keys()).filter(({ url }) => kindOf(url) === "ticket");
  await Promise.all(tickets.slice(0, -TICKETS).map((ticket) => cache.delete(ticket, { ignoreVary: true })));
}

/** Fetch and keep what a page was made of, as far as it may be kept and is not yet. */
async function keepAll(addresses) {
  for (const address of addresses) {
    if (!kindOf(address) || (await kept(address))) continue;
    const asked = (turn += 1);
    try {
      await store(address, await fetch(address, { redirect: "manual" }), asked);
    } catch {
      // The line is gone again: the next load keeps it.
    }
  }
}

async function forget(which) {
  const cache = await caches.open(CACHE);
  const gone = (await cache.keys()).filter(({ url }) => which(kindOf(url)));
  await Promise.all(gone.map((request) => cache.delete(request, { ignoreVary: true })));
}

async function dropOld() {
  const names = (await caches.keys()).filter((name) => name !== CACHE);
  await Promise.all(names.map((name) => caches.delete(name)));
}
