/** Asks the service worker to keep this page and its parts, for when the line or the server is gone. */

if ("serviceWorker" in navigator) addEventListener("load", keep);

async function keep() {
  try {
    await navigator.serviceWorker.register("/sw.js");
    const { active } = await navigator.serviceWorker.ready;
    // What was loaded before the worker was there has not passed through its hands.
    const parts = performance.getEntriesByType("resource").map(({ name }) => name);
    active.postMessage({ keep: [location.href, ...parts] });
  } catch {
    // A browser that allows no worker shows the page all the same.
  }
}
