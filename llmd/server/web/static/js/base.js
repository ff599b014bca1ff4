// What every page does: notes, the stamp that calls show, times in the reader's own zone, choices.

/** The words of this page, by name; figures in braces are put in. */
const words = JSON.parse(document.getElementById("words").textContent);

export function t(name, figures = {}) {
  const found = words[name] ?? name;
  return found.replace(/\{(\w+)\}/g, (whole, figure) => figures[figure] ?? whole);
}

export const stamp = () => document.querySelector('meta[name="stamp"]').content;

/** Show a note for a moment; a wrong one stays longer. */
export function note(text, wrong = false) {
  const line = document.createElement("p");
  line.textContent = text;
  line.classList.toggle("wrong", wrong);
  if (wrong) line.setAttribute("role", "alert");
  document.getElementById("notes").append(line);
  setTimeout(() => line.remove(), wrong ? 9000 : 4000);
  return line;
}

/** Call llmd; returns the parsed JSON (or null), throws Error with `code`, `hint` and `status`. */
export async function call(method, path, body, options = {}) {
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
  throw Object.assign(new Error(wrong.message), { ...wrong, status: answer.status });
}

/** Go to the login, and come back after it. */
export function leave() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
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

document.addEventListener("change", async (event) => {
  const what = event.target.dataset?.choice;
  if (!what) return;
  const fields = new URLSearchParams({ what, value: event.target.value });
  const headers = { "X-LLMD-Stamp": stamp() };
  await fetch("/web/choice", { method: "POST", headers, body: fields });
  if (what === "language") return location.reload();
  if (event.target.value) document.documentElement.dataset.theme = event.target.value;
  else delete document.documentElement.dataset.theme;
});

tellTimes(document);
