// The last two minutes: what charts draw, for one model or for all of them together.
export const SPAN = 120;
const GAP = 5;
const FIELDS = ["generated", "read", "first_token", "running", "waiting", "kv_used"];

export class Past {
  #moments = [];
  #machine = { cpu: [], memory: [] };
  #models = new Map();
  #cells = {};
  #memory = 1;

  /** Begin with what the daemon remembers. */
  begin({ history, memory_total, cells }) {
    this.#whole(memory_total, cells);
    this.#moments = [...history.moments];
    this.#machine = { cpu: [...history.cpu], memory: history.memory_used.map((used) => used / this.#memory) };
    this.#models = new Map(Object.entries(history.models));
  }

  /** Take one more moment; one that is known already changes nothing. */
  add({ at, cpu, memory_used, memory_total, models, cells }) {
    const last = this.#moments.at(-1);
    if (last !== undefined && at <= last) return;
    this.#whole(memory_total, cells);
    if (last !== undefined && at - last > GAP) this.#put(last + 1, null, null, {});
    this.#put(at, cpu, memory_used / this.#memory, models);
    for (const name of this.#models.keys()) if (!(name in models)) this.#models.delete(name);
  }

  get names() {
    return [...this.#models.keys()];
  }

  get latest() {
    return this.#moments.at(-1);
  }

  /** Seconds before the latest moment, all negative or zero. */
  get times() {
    return this.#moments.map((at) => at - this.latest);
  }

  /** Return a list as long as `times`; null where nothing is known. */
  series(field, model) {
    if (field in this.#machine) {
      return this.#machine[field].map((value) => (field === "cpu" && value !== null ? value / 100 : value));
    }
    const lists = (model ? [this.#models.get(model)] : [...this.#models.values()]).filter(Boolean);
    return this.#moments.map((_, place) => {
      const values = lists.map((list) => list[field][place]).filter((value) => value !== null);
      if (!values.length) return field === "first_token" || lists.length ? null : 0;
      const sum = values.reduce((one, other) => one + other, 0);
      if (field === "first_token") return sum / values.length;
      return field === "kv_used" ? sum / this.#room(model) : sum;
    });
  }

  #room(model) {
    const cells = model ? [this.#cells[model] ?? 0] : Object.values(this.#cells);
    return cells.reduce((one, other) => one + other, 0) || 1;
  }

  #whole(memory, cells) {
    this.#memory = memory || 1;
    this.#cells = cells;
  }

  #put(at, cpu, memory, models) {
    for (const [name, figures] of Object.entries(models)) {
      const lists = this.#models.get(name) ?? this.#empty(figures);
      this.#models.set(name, lists);
      for (const field of FIELDS) lists[field].push(figures[field]);
    }
    for (const [name, lists] of this.#models) {
      if (!(name in models)) for (const field of FIELDS) lists[field].push(null);
    }
    this.#moments.push(at);
    this.#machine.cpu.push(cpu);
    this.#machine.memory.push(memory);
    this.#forget();
  }

  #empty() {
    const zeros = (field) => this.#moments.map(() => (field === "first_token" ? null : 0));
    return Object.fromEntries(FIELDS.map((field) => [field, zeros(field)]));
  }

  #forget() {
    const old = this.#moments.findIndex((at) => at >= this.latest - SPAN);
    if (old <= 0) return;
    this.#moments.splice(0, old);
    this.#machine.cpu.splice(0, old);
    this.#machine.memory.splice(0, old);
    for (const lists of this.#models.values()) for (const field of FIELDS) lists[field].splice(0, old);
  }
}
