// What every page does: notes, the stamp that calls show, logins that end, times in the reader's own
// zone, choices.

/** The words of this page, by name; figures in braces are put in. */
const words = JSON.parse(document.getElementById("words").textContent);

export function t(name, figures = {}) {
  const found = words[name] ?? name;
  return found.replace(/\{(\w+)\}/g, (whole, figure) => figures[figure] ?? whole);
}

const meta = (name) => document.querySelector(`meta[name="${name}"]`);
export const stamp = () => meta("stamp").content;
// the version that this script is of: /web/files/VERSION/js/base.js
const version = new URL(import.meta.url).pathname.split("/")[3];

/** Show a note for a moment; a wrong one longer, one that `stays` until it is taken away. */
export function note(text, wrong = false, stays = false) {
  const line = document.createElement("p");
  line.textContent = text;
  line.classList.toggle("wrong", wrong);
  if (wrong) line.setAttribute("role", "alert");
  document.getElementById("notes").append(line);
  if (!stays) setTimeout(() => line.remove(), wrong ? 9000 : 4000);
  return line;
}

/** Call llmd; returns the parsed JSON (or null), throws Error with `code`, `hint` and `status`. */
export async function call(method, path, body, options = {}, again = true) {
  const headers = { "X-LLMD-Stamp": stamp(), Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    const content = body === undefined ? undefined : JSON.stringify(body);
    answer = await fetch(path, { method, headers, body: content, credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw Object.assign(new Error(t("live.offline")), { code: "offline", status: 0, hint: "" });
  }
  if (answer.status === 204) return null;
  const told = (answer.headers.get("Content-Type") ?? "").includes("json") ? await answer.json() : null;
  if (answer.ok) return told;
  const wrong = told?.error ?? { code: "failed", message: answer.statusText, hint: "" };
  if (answer.status === 401) leave();
  if (again && wrong.code === "stale_page" && (await renew())) return call(method, path, body, options, false);
  throw Object.assign(new Error(wrong.message), { ...wrong, status: answer.status });
}

/**
 * Make the page count again after its login was renewed in another tab, or llmd started anew; returns
 * whether it does. A page of somebody else, who logged in meanwhile, is loaded anew.
 */
export async function renew() {
  const answer = await fetch("/web/who").catch(() => null);
  if (answer?.status === 401) leave();
  if (!answer?.ok) return false;
  const told = await answer.json();
  if (told.name !== meta("caller").content) {
    location.reload();
    return false;
  }
  meta("stamp").content = told.stamp;
  for (const field of document.querySelectorAll('input[name="stamp"]')) field.value = told.stamp;
  document.getElementById("over")?.remove();
  if (told.version !== version) offer("updated", t("live.updated"), location.href, t("live.reload"));
  return true;
}

/** Go to the login, and come back after it; where something was typed, only offer to. */
export function leave() {
  const login = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
  if (typed()) offer("over", t("live.over"), login, t("live.login")).target = "_blank";
  else location.assign(login);
}

/** Whether something would be lost with the page; what keeps its own drafts says `data-kept`. */
function typed() {
  const fields = [...document.querySelectorAll("input:not([type=hidden]), textarea")];
  return fields.some(
    (field) =>
      !field.closest("[data-kept]") &&
      (field.value !== field.defaultValue || field.checked !== field.defaultChecked),
  );
}

/** Whether the libraries that the page waits for came; where one did not, offer to load the page again. */
export function whole() {
  const libraries = [...document.querySelectorAll("script[defer][data-library]")];
  if (libraries.every((script) => window[script.dataset.library])) return true;
  offer("partial", t("live.partial"), location.href, t("live.reload"));
  return false;
}

function offer(id, text, href, name) {
  document.getElementById(id)?.remove();
  const line = note(`${text} `, false, true);
  line.id = id;
  const link = document.createElement("a");
  Object.assign(link, { href, textContent: name });
  line.append(link);
  return link;
}

/** Write times as the reader's clock has them: `<time datetime="...">`. */
export function tellTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    const today = when.toDateString() === new Date().toDateString();
    const style = today ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" };
    time.textContent = when.toLocaleString(document.documentElement.lang, style);
    time.title = when.toLocaleString(document.documentElement.lang);
  }
}

async function choose(what, value) {
  const send = () => {
    const headers = { "X-LLMD-Stamp": stamp() };
    return fetch("/web/choice", { method: "POST", headers, body: new URLSearchParams({ what, value }) });
  };
  let answer = await send().catch(() => null);
  if (answer?.status === 403 && (await renew())) answer = await send().catch(() => null);
  if (!answer?.ok) return note(t("live.offline"), true);
  if (what === "language") return location.reload();
  if (value) document.documentElement.dataset.theme = value;
  else delete document.documentElement.dataset.theme;
}

document.addEventListener("change", (event) => {
  const what = event.target.dataset?.choice;
  if (what) choose(what, event.target.value);
});
// somebody may have logged in again in another tab
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && document.getElementById("over")) renew();
});

tellTimes(document);
