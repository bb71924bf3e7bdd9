/** Signing in with a key, and out again. A key in the address (after #) never reaches a server's log. */

const words = {
  wrong: "Deze sleutel is niet (meer) geldig.",
  busy: "Te veel pogingen. Wacht even en probeer het opnieuw.",
  failed: "Er kwam geen antwoord. Probeer het opnieuw.",
};

const form = document.getElementById("sign-in");

/** `path` where it is a place on this server, else null: nobody is led elsewhere by a link. */
function ours(path) {
  if (!path?.startsWith("/") || path.startsWith("//")) return null;
  const target = URL.canParse(path, location.origin) ? new URL(path, location.origin) : null;
  // A path may begin with two slashes only after its dots are resolved, and would then name a host.
  const here = target?.origin === location.origin && !target.pathname.startsWith("//");
  return here ? target.pathname + target.search : null;
}

async function signIn(token) {
  const wrong = document.getElementById("wrong");
  const button = form.querySelector("button");
  wrong.textContent = "";
  button.disabled = true;
  try {
    const response = await fetch("/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (response.ok) {
      const { home } = await response.json();
      const next = ours(document.body.dataset.next);
      location.replace((next === "/" ? null : next) ?? ours(home) ?? "/");
      return;
    }
    wrong.textContent =
      response.status === 429 ? words.busy : response.status < 500 ? words.wrong : words.failed;
  } catch {
    wrong.textContent = words.failed;
  }
  button.disabled = false;
  form.elements.token.focus();
}

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    signIn(form.elements.token.value.trim());
  });
  const token = decodeURIComponent(location.hash.slice(1));
  if (token) {
    history.replaceState(null, "", location.pathname + location.search);
    signIn(token);
  } else {
    form.elements.token.focus();
  }
}

document.getElementById("sign-out")?.addEventListener("click", async () => {
  await fetch("/session", { method: "DELETE" }).catch(() => {});
  location.reload();
});
