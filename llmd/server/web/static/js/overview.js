// The overview: six charts that begin with what the daemon remembers and go on from there.
import { setClock } from "./ages.js";
import { count, pace, percent, seconds } from "./amounts.js";
import { hear } from "./live.js";
import { Chart, repaint } from "./overview/chart.js";
import { Past } from "./overview/past.js";

const SAID_EVERY = 10_000;
const KINDS = {
  written: { series: [["generated", "one"]], words: pace, axis: count, least: 10 },
  read: { series: [["read", "one"]], words: pace, axis: count, least: 10 },
  first: { series: [["first_token", "one"]], words: (value) => (value ? seconds(value) : "0"), least: 0.1, points: true },
  sequences: { series: [["running", "one"], ["waiting", "two"]], words: count, least: 4 },
  kv: { series: [["kv_used", "one"]], words: percent, top: 1 },
  machine: { series: [["cpu", "one"], ["memory", "three"]], words: percent, top: 1 },
};

const past = new Past();
const choice = document.getElementById("model");
const places = window.uPlot ? [...document.querySelectorAll("[data-chart]")] : [];
const charts = places.map((figure) => new Chart(figure, KINDS[figure.dataset.chart]));
let said = 0;

function draw() {
  const times = past.times;
  if (!times.length) return;
  for (const chart of charts) {
    chart.draw(times, chart.fields.map((field) => past.series(field, choice.value)));
  }
  if (Date.now() - said < SAID_EVERY) return;
  said = Date.now();
  charts.forEach((chart) => chart.say());
}

/** Offer the models there are. */
function offer() {
  const names = past.names;
  const known = [...choice.options].slice(1).map((option) => option.value);
  document.getElementById("chooser").hidden = names.length < 2 && !choice.value;
  if (names.join("\n") === known.join("\n")) return;
  const chosen = choice.value;
  choice.length = 1;
  for (const name of names) choice.add(new Option(name, name));
  choice.value = names.includes(chosen) ? chosen : "";
}

hear("overview-past", (data) => {
  past.begin(JSON.parse(data));
  offer();
  draw();
});
hear("overview-figures", (data) => {
  const figures = JSON.parse(data);
  setClock(figures.at);
  past.add(figures);
  offer();
  draw();
});
choice.addEventListener("change", draw);

function changeColours() {
  repaint();
  charts.forEach((chart) => chart.plot.redraw());
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changeColours);
new MutationObserver(changeColours).observe(document.documentElement, { attributeFilter: ["data-theme"] });
