// Which requests are shown: by model, client and state, and by words that stand anywhere in them.
const MANY = 200;

export class Filter {
  /** `changed` is called when somebody chooses. */
  constructor(form, changed) {
    this.form = form;
    this.known = { model: new Set(), client: new Set() };
    form.addEventListener("input", () => {
      this.#read();
      changed();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    this.#read();
  }

  /** Offer the model and the client of a request. */
  learn(told) {
    for (const [name, known] of Object.entries(this.known)) {
      if (!told[name] || known.has(told[name]) || known.size >= MANY) continue;
      known.add(told[name]);
      this.form.elements[name].add(new Option(told[name], told[name]));
    }
  }

  fits(told) {
    const { model, client, state } = this.wanted;
    if ((model && told.model !== model) || (client && told.client !== client)) return false;
    if (state && told.state !== state) return false;
    if (!this.words.length) return true;
    const text = [told.model, told.client, told.state, told.reason, told.trace, told.lane].join(" ").toLowerCase();
    return this.words.every((word) => text.includes(word));
  }

  #read() {
    this.wanted = Object.fromEntries(new FormData(this.form));
    this.words = this.wanted.words.toLowerCase().split(/\s+/).filter(Boolean);
  }
}
