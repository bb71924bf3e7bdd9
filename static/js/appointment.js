/** Tells the house once that somebody really looks at this page. Programs that open links rarely run scripts. */

async function tell() {
  if (document.visibilityState !== "visible") return;
  document.removeEventListener("visibilitychange", tell);
  try {
    await fetch(`${document.body.dataset.here}/seen`, { method: "POST", signal: AbortSignal.timeout(8000) });
  } catch {
    // Nothing hangs on it: the page works all the same.
  }
}

document.addEventListener("visibilitychange", tell);
// A page that a browser loads ahead is not looked at yet.
if (document.prerendering) document.addEventListener("prerenderingchange", tell, { once: true });
else tell();
