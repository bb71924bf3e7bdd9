/**
 * Commands to the house: sent until an answer is known, done once.
 *
 * One press has one idempotency key. Where no answer came, the same key asks again, so that a
 * command whose answer was lost is not done a second time.
 */

/** How long one request may take (seconds). */
const ANSWER_S = 5;
/** After this long nobody still expects what they pressed to happen (seconds). */
const GIVE_UP_S = 20;
const AGAIN_S = { first: 0.3, last: 3 };

/**
 * POST `body` to `path` under /api/v1. Resolves to `{answer}`, to `{problem, status}` where it was
 * refused, or to `{}` where no answer came in time; `unsure(attempt)` is told before each repetition.
 */
export async function command(path, body, unsure) {
  const key = crypto.randomUUID();
  const deadline = performance.now() + GIVE_UP_S * 1000;
  for (let attempt = 1; ; attempt += 1) {
    let wait_s = Math.min(AGAIN_S.last, AGAIN_S.first * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2);
    try {
      const response = await fetch(`/api/v1${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": key },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(ANSWER_S * 1000),
      });
      const { status } = response;
      if (response.ok) return { answer: await response.json() };
      if (status < 500 && status !== 408 && status !== 429) {
        return { status, problem: await response.json().catch(() => ({})) };
      }
      wait_s = Math.max(wait_s, Number(response.headers.get("Retry-After")) || 0);
    } catch {
      // No answer: it may have been done or not. The next attempt learns which.
    }
    if (performance.now() + wait_s * 1000 > deadline) return {};
    unsure(attempt);
    await new Promise((resolve) => setTimeout(resolve, wait_s * 1000));
  }
}
