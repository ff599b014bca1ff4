// One chart: its figures stand in its legend, those at the pointer while there is one.
import { t } from "../base.js";
import { SPAN } from "./past.js";

const AXIS = 44;

/** The colours of the present theme. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return { one: of("accent"), two: of("warn"), three: of("good"), line: of("line"), quiet: of("quiet") };
}

let palette = colours();

/** Learn the colours anew. */
export function repaint() {
  palette = colours();
}

/** The next round number: what is drawn up to changes seldom. */
function above(value, least) {
  const reach = Math.max(value, least);
  const step = 10 ** Math.floor(Math.log10(reach));
  return [1, 2, 4, 6, 8, 10].map((times) => times * step).find((round) => round >= reach * 0.999) ?? reach;
}

function faded(colour) {
  return `color-mix(in srgb, ${colour} 14%, transparent)`;
}

export class Chart {
  /** `series`: fields with their marks; `words` writes a value, `axis` one of the axis; `top` is the fixed end of that. */
  constructor(figure, { series, words, axis = words, top = null, least = 1, points = false }) {
    this.figure = figure;
    this.fields = series.map(([field]) => field);
    this.words = words;
    this.place = figure.querySelector(".plot");
    this.shown = series.map(([field]) => figure.querySelector(`[data-figure="${field}"]`));
    this.names = this.shown.map((shown) => `${figure.querySelector("h2").textContent}, ${shown.previousElementSibling.textContent}`);
    this.moment = figure.querySelector("[data-moment]");
    this.values = [[0], ...series.map(() => [null])];
    this.plot = new uPlot(this.#options(series, { axis, top, least, points }), this.values, this.place);
    new ResizeObserver(() => this.#fit()).observe(this.place);
  }

  #options(series, { axis: marks, top, least, points }) {
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: () => palette.quiet, font, ticks: { show: false }, grid: { stroke: () => palette.line, width: 1 } };
    const reach = (_, __, most) => [0, top ?? above(most ?? 0, least)];
    return {
      width: this.place.clientWidth || 300,
      height: this.place.clientHeight || 130,
      padding: [6, 14, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: "overview" }, points: { size: 7 } },
      scales: { x: { time: false, range: () => [-SPAN, 0] }, y: { range: reach } },
      axes: [
        { ...axis, size: 22, grid: { show: false }, splits: () => [-120, -90, -60, -30, 0], values: (_, all) => all.map((at) => (at ? `${at}s` : t("overview.now"))) },
        { ...axis, size: AXIS, splits: (u) => [0, u.scales.y.max / 2, u.scales.y.max], values: (_, all) => all.map(marks) },
      ],
      series: [{}, ...series.map(([, mark], place) => ({
        stroke: () => palette[mark],
        fill: place || points ? undefined : () => faded(palette[mark]),
        width: 1.6,
        spanGaps: points,
        points: { show: points, size: 5, fill: () => palette[mark] },
      }))],
      hooks: { setCursor: [() => this.tell()] },
    };
  }

  /** Draw lists of values over `times`. */
  draw(times, lists) {
    this.values = [times, ...lists];
    this.plot.setData(this.values);
    this.tell();
  }

  /** Write the figures: those at the pointer, or the latest. */
  tell() {
    const at = this.plot?.cursor.idx;
    const past = at != null && this.plot.cursor.left >= 0;
    this.figure.classList.toggle("past", past);
    const ago = past ? t("overview.ago", { seconds: Math.round(-this.values[0][at]) }) : "";
    if (this.moment.textContent !== ago) this.moment.textContent = ago;
    this.shown.forEach((shown, place) => {
      const values = this.values[place + 1];
      const value = past ? values[at] : this.#latest(values);
      const text = value == null ? "–" : this.words(value);
      if (shown.textContent !== text) shown.textContent = text;
    });
  }

  /** Say it all in a sentence for each series, for those who do not see it. */
  say() {
    const sentences = this.names.map((name, place) => {
      const known = this.values[place + 1].filter((value) => value !== null);
      if (!known.length) return t("overview.said_nothing", { name });
      const [now, least, most] = [known.at(-1), Math.min(...known), Math.max(...known)].map(this.words);
      return t("overview.said", { name, now, least, most });
    });
    this.figure.querySelector("[data-said]").textContent = sentences.join(" ");
  }

  #latest(values) {
    return this.fields[0] === "first_token" ? values.findLast((value) => value !== null) : values.at(-1);
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.place;
    if (width && height) this.plot.setSize({ width, height });
  }
}
