/** Signing out, for every page that has a button for it. */

document.getElementById("sign-out")?.addEventListener("click", async () => {
  await fetch("/session", { method: "DELETE" }).catch(() => {});
  location.reload();
});
