/** Asks the service worker to keep this page and its parts, for when the line or the server is gone. */

if ("serviceWorker" in navigator) addEventListener("load", keep);

async function keep() {
  try {
    await navigator.serviceWorker.register("/sw.js");
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage({ keep: [location.href] });
    // What was loaded before the worker was there has not passed through its hands, and the icon comes late.
    const parts = (list) => active.postMessage({ keep: list.getEntries().map(({ name }) => name) });
    new PerformanceObserver(parts).observe({ type: "resource", buffered: true });
  } catch {
    // A browser that allows no worker shows the page all the same.
  }
}
