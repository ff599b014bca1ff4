// What the page is about at this moment, and who hears of changes: the parts of the page know this
// module and not each other.

export const state = {
  /** The session shown: {id, title, model}; null: nothing has been said yet. */
  session: null,
  /** Chat models, as /web/chat/models tells them; null: not known yet. */
  models: null,
  /** Name of the model that answers next. */
  model: "",
  /** Id of the turn that is under way in the session shown; "" while it is being asked for. */
  turn: null,
};

const bus = new EventTarget();

/** Have `hear` called with the details of each thing told. */
export function on(what, hear) {
  bus.addEventListener(what, (event) => hear(event.detail));
}

export function tell(what, detail) {
  bus.dispatchEvent(new CustomEvent(what, { detail }));
}

/** What is known of the chosen model, or undefined. */
export function chosen() {
  return state.models?.find((model) => model.name === state.model);
}

/** Take the state of an answer: an id, "" while it is being asked for, null when there is none. */
export function setTurn(turn) {
  state.turn = turn;
  tell("turn", turn);
}

// other tabs of this browser hear of turns and of sessions that changed
const channel = new BroadcastChannel(`llmd-${document.getElementById("content").dataset.who}`);
channel.onmessage = (event) => tell("elsewhere", event.data);

export function tellTabs(kind, session) {
  channel.postMessage({ kind, session });
}
