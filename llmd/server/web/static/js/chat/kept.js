// What this browser keeps for a person and a session: drafts, what is being sent, parameters. Nothing
// typed may be lost, so it is written at once; and since nobody tidies a browser, the oldest goes.

const MOST = 300;
const mine = `llmd:${document.getElementById("content").dataset.who}:`;
const name = (kind, session) => `${mine}${kind}:${session ?? "new"}`;

/** Return what was kept, or null. */
export function recall(kind, session) {
  try {
    return JSON.parse(localStorage.getItem(name(kind, session)))?.value ?? null;
  } catch {
    return null; // a browser that keeps nothing, or something else wrote there
  }
}

/** Keep a value; null forgets. Returns whether there was room. */
export function keep(kind, session, value) {
  try {
    if (value === null) localStorage.removeItem(name(kind, session));
    else localStorage.setItem(name(kind, session), JSON.stringify({ at: Date.now(), value }));
    return true;
  } catch {
    return false;
  }
}

/** What was kept for a conversation that had no session yet belongs to it now. */
export function move(kind, session) {
  const value = recall(kind, null);
  if (value === null) return;
  keep(kind, session, value);
  keep(kind, null, null);
}

export function forget(session) {
  for (const kind of ["draft", "attached", "sending", "parameters"]) keep(kind, session, null);
}

/** Drop the oldest of what is too much. */
export function tidy() {
  try {
    const names = Object.keys(localStorage).filter((key) => key.startsWith(mine));
    if (names.length <= MOST) return;
    const age = (key) => JSON.parse(localStorage.getItem(key))?.at ?? 0;
    names.sort((one, other) => age(one) - age(other));
    for (const key of names.slice(0, names.length - MOST)) localStorage.removeItem(key);
  } catch {
    // it stays as it is
  }
}
