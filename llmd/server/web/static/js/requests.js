// Requests: one row each, of which only what has changed is written; rows keep what is folded out.
import { now, setClock } from "./ages.js";
import { hear } from "./live.js";
import { Filter } from "./requests/filter.js";
import { Row } from "./requests/row.js";

const place = document.getElementById("requests");
const tables = { live: document.getElementById("live"), ended: document.getElementById("ended") };
const rows = new Map();
const filter = new Filter(document.getElementById("filter"), showAll);

/** Put a row where it belongs: those under way as they came, the latest that ended first. */
function settle(row) {
  const table = row.ended ? tables.ended : tables.live;
  const others = table.tBodies;
  let at = row.ended ? 0 : others.length;
  if (row.ended) while (at < others.length && rows.get(others[at].dataset.id)?.ended > row.ended) at += 1;
  else while (at > 0 && Number(others[at - 1].dataset.id) > Number(row.id)) at -= 1;
  table.insertBefore(row.body, others[at] ?? null);
}

function take(id, told) {
  let row = rows.get(id);
  const before = row?.ended;
  if (!row) rows.set(id, (row = new Row(id, "mayCancel" in place.dataset)));
  row.tell(told);
  filter.learn(told);
  row.body.hidden = !filter.fits(told);
  if (!row.body.isConnected || Boolean(before) !== Boolean(row.ended)) settle(row);
}

function drop(id) {
  rows.get(id)?.body.remove();
  rows.delete(id);
}

/** Count what is shown, and say so where there is nothing. */
function count() {
  for (const [kind, table] of Object.entries(tables)) {
    const bodies = [...table.tBodies];
    const shown = bodies.filter((body) => !body.hidden).length;
    const text = shown === bodies.length ? String(shown) : `${shown} / ${bodies.length}`;
    document.querySelector(`[data-count="${kind}"]`).textContent = text;
    table.hidden = !shown;
    document.getElementById(`no-${kind}`).hidden = shown > 0;
  }
}

function showAll() {
  for (const row of rows.values()) row.body.hidden = !filter.fits(row.told);
  count();
}

hear(place.dataset.told, (data) => {
  const { at, whole, rows: told, gone } = JSON.parse(data);
  setClock(at);
  if (whole) for (const id of rows.keys()) if (!(id in told)) drop(id);
  gone.forEach(drop);
  const changed = Object.entries(told);
  changed.sort(([, one], [, other]) => (one.took ? one.arrived + one.took : 0) - (other.took ? other.arrived + other.took : 0));
  for (const [id, row] of changed) take(id, row);
  count();
  place.removeAttribute("aria-busy");
});

setInterval(() => {
  if (document.hidden || document.body.classList.contains("away")) return;
  for (const row of rows.values()) if (!row.ended && !row.body.hidden) row.grow(now());
}, 1000);
