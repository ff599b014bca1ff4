// Ages and remaining times, which the browser counts by itself: elements with `data-since` or
// `data-until`, in seconds since the epoch by the daemon's clock.
import { duration } from "./amounts.js";

let ahead = 0;

/** Learn what time it is where the daemon runs. */
export function setClock(at) {
  ahead = at - Date.now() / 1000;
}

/** Seconds since the epoch, by the daemon's clock. */
export const now = () => Date.now() / 1000 + ahead;

function tell(root) {
  for (const element of root.querySelectorAll("[data-since], [data-until]")) {
    const { since, until } = element.dataset;
    const text = duration(since ? now() - Number(since) : Number(until) - now());
    if (element.textContent !== text) element.textContent = text;
  }
}

document.addEventListener("llmd:filled", (event) => tell(event.target));
setInterval(() => document.hidden || tell(document), 1000);
tell(document);
