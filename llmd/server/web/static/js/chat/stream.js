// One turn's events, from the first or from behind the last one heard. Connections break, daemons
// restart, tabs are hidden: the session is asked whether the turn still runs before it is heard on.
import { call } from "../base.js";

const TYPES = ["state", "reasoning", "text", "tool", "done", "failed"];
const WAITS = [300, 700, 1000, 1000, 2000, 3000];

export class Stream {
  /**
   * `hear` has a function for each type of event, and `away`, `back`, and `over`, which gets the
   * session as it is now when the turn ended without our hearing how (null: there is no such session).
   */
  constructor(session, turn, hear) {
    this.session = session;
    this.turn = turn;
    this.hear = hear;
    this.after = "";
    this.tries = 0;
    this.closed = false;
    this.onVisible = () => (document.hidden ? this.pause() : this.source || this.open());
    this.onOnline = () => this.source || this.check();
    document.addEventListener("visibilitychange", this.onVisible);
    window.addEventListener("online", this.onOnline);
    if (!document.hidden) this.open();
  }

  open() {
    clearTimeout(this.timer);
    if (this.closed || this.source) return;
    const after = this.after ? `?after=${encodeURIComponent(this.after)}` : "";
    const source = new EventSource(`/web/chat/turns/${encodeURIComponent(this.turn)}/events${after}`);
    this.source = source;
    source.onopen = () => this.returned();
    source.onerror = () => source === this.source && this.lost();
    for (const type of TYPES) {
      source.addEventListener(type, (event) => source === this.source && this.take(type, event));
    }
  }

  take(type, event) {
    if (event.lastEventId) this.after = event.lastEventId;
    if (type === "done" || type === "failed") this.close();
    this.hear[type](JSON.parse(event.data));
  }

  returned() {
    this.tries = 0;
    if (this.isAway) this.hear.back();
    this.isAway = false;
  }

  /** Hidden tabs hold no connection: a browser has six for all of them. */
  pause() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  lost() {
    this.pause();
    if (this.closed) return;
    if (!this.isAway) this.hear.away();
    this.isAway = true;
    this.timer = setTimeout(() => this.check(), WAITS[Math.min(this.tries++, WAITS.length - 1)]);
  }

  async check() {
    clearTimeout(this.timer);
    if (this.closed || this.source || document.hidden) return;
    let found;
    try {
      found = await call("GET", `/web/chat/sessions/${this.session}?limit=60`);
    } catch (error) {
      if (error.status === 401) return;
      if (error.status !== 404) return this.lost();
      found = null;
    }
    if (this.closed || this.source) return;
    if (found?.turn?.id === this.turn) return this.open();
    this.close();
    this.hear.over(found);
  }

  close() {
    this.closed = true;
    this.pause();
    document.removeEventListener("visibilitychange", this.onVisible);
    window.removeEventListener("online", this.onOnline);
  }
}
