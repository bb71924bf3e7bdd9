/** A browser's subscription to Web Push: the same for a citizen's ticket and a supervisor's alerts. */

/** How long each step may take; the question to the person takes as long as they like. */
export const STEP_MS = 15_000;

/** Whether this browser can be told anything while its page is closed. */
export const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

export class NotSent extends Error {}

/** Subscribe to the house's key, once the person allowed it: `{endpoint, keys}`. Raises `NotSent` where it takes too long. */
export async function subscription(key) {
  const { endpoint, keys } = (await inTime(subscribed(key))).toJSON();
  return { endpoint, keys };
}

async function subscribed(key) {
  await navigator.serviceWorker.register("/sw.js");
  const { pushManager } = await navigator.serviceWorker.ready;
  const wanted = { userVisibleOnly: true, applicationServerKey: key };
  try {
    return await pushManager.subscribe(wanted);
  } catch (error) {
    if (error.name !== "InvalidStateError") throw error;
    // Subscribed to another key, from before the house changed its own.
    await (await pushManager.getSubscription())?.unsubscribe();
    return pushManager.subscribe(wanted);
  }
}

function inTime(work) {
  const late = new Promise((_done, fail) => setTimeout(fail, STEP_MS, new NotSent()));
  return Promise.race([work, late]);
}
