// The login: goes on by itself when the browser is logged in already, and tells of Caps Lock.
import { t } from "./base.js";

// browsers keep the login to themselves while a link of another site is followed, but not now
const next = document.querySelector("main").dataset.next;

async function goOn() {
  const answer = await fetch("/web/who").catch(() => null);
  if (answer?.ok && (await answer.json()).name) location.replace(next);
}

const caps = document.getElementById("caps");
document.addEventListener("keydown", tellCaps);
document.addEventListener("keyup", tellCaps);

function tellCaps(event) {
  if (!caps || event.target.type !== "password") return;
  const told = event.getModifierState?.("CapsLock") ? t("login.caps") : "";
  if (caps.textContent !== told) caps.textContent = told;
}

document.addEventListener("visibilitychange", () => document.hidden || goOn());
goOn();
