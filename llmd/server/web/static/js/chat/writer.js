// Writes an answer while it comes: once per frame at most, and only its last block anew, since blocks
// before it can no longer change. Code that grows is only given its new text.
import { blocks, elements, plain, rendered } from "./markdown.js";

export class Writer {
  constructor(element) {
    this.element = element;
    this.tail = document.createElement("div");
    this.tail.className = "tail";
    this.clear();
  }

  clear() {
    this.text = "";
    this.settled = 0;
    this.notBefore = 0;
    this.tail.replaceChildren();
    this.element.replaceChildren(this.tail);
  }

  add(text) {
    this.text += text;
    this.frame ??= requestAnimationFrame((now) => this.draw(now));
  }

  /** Put the whole text, in its final form. */
  end(text) {
    cancelAnimationFrame(this.frame);
    this.frame = undefined;
    this.element.replaceChildren(rendered(text));
  }

  draw(now) {
    this.frame = undefined;
    if (now < this.notBefore) {
      this.frame = requestAnimationFrame((later) => this.draw(later));
      return;
    }
    const begun = performance.now();
    this.drawTail();
    const took = performance.now() - begun;
    // one block that takes long to draw must not take all the time there is
    this.notBefore = took > 8 ? performance.now() + 4 * took : 0;
  }

  drawTail() {
    const rest = this.text.slice(this.settled);
    const found = blocks(rest);
    if (!found) return this.tail.replaceChildren(plain(rest));
    let last = found.length - 1;
    while (last > 0 && found[last].type === "space") last -= 1;
    const done = found.slice(0, Math.max(last, 0));
    const length = done.reduce((sum, token) => sum + token.raw.length, 0);
    const whole = done.length > 0 && rest.startsWith(done.map((token) => token.raw).join(""));
    const open = whole ? found.slice(last) : found;
    open.links = found.links;
    if (whole) {
      done.links = found.links;
      this.tail.before(elements(done));
      this.settled += length;
      this.tail.replaceChildren();
    }
    this.drawOpen(open);
  }

  drawOpen(open) {
    const code = open.length && open[0].type === "code" && this.tail.querySelector(":scope > figure code");
    if (code && code.dataset.language === (open[0].lang ?? "")) {
      const now = open[0].text;
      const before = code.textContent;
      if (now.startsWith(before)) code.append(now.slice(before.length));
      else code.textContent = now;
      return;
    }
    this.tail.replaceChildren(elements(open));
    const made = open.length && open[0].type === "code" && this.tail.querySelector("figure code");
    if (made) made.dataset.language = open[0].lang ?? "";
  }
}
