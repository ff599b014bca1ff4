// What every page of the administration does: htmx shows the stamp, tells what failed, asks first.
import { leave, note, renew, stamp, t, tellTimes, whole } from "./base.js";
import { start } from "./live.js";

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-LLMD-Stamp"] = stamp();
});
document.addEventListener("htmx:responseError", (event) => {
  const answer = event.detail.xhr;
  if (answer.status === 401) return leave();
  if (answer.responseText.includes('"stale_page"')) return renew().then((now) => now && note(t("live.stale")));
  let wrong;
  try {
    wrong = JSON.parse(answer.responseText).error;
  } catch {
    wrong = { message: answer.statusText, hint: "" };
  }
  note(`${wrong.message} ${wrong.hint ?? ""}`.trim(), true);
});
document.addEventListener("htmx:sendError", () => note(t("live.offline"), true));
document.addEventListener("llmd:told", (event) => note(event.detail.value));
document.addEventListener("htmx:load", (event) => tellTimes(event.detail.elt));
// scripts of the page say what they hear when they are read: all of them are by then
document.addEventListener("DOMContentLoaded", () => whole() && start());
