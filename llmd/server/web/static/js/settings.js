// Settings: found by words, saved one by one; only a field that was changed offers to be.
import { note, t } from "./base.js";
import "./dialogs.js";

const find = document.getElementById("find");
const changed = document.getElementById("changed");
const jump = document.getElementById("jump");

function filter() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const group of document.querySelectorAll(".group")) {
    let here = 0;
    for (const row of group.querySelectorAll(".setting")) {
      const field = row.querySelector("[name=value]").value;
      const text = `${row.querySelector(".what").textContent} ${field}`.toLowerCase();
      row.hidden = (changed.checked && !("differs" in row.dataset)) || !words.every((word) => text.includes(word));
      here += !row.hidden;
    }
    group.hidden = !here;
    shown += here;
  }
  document.getElementById("none").hidden = shown > 0;
}

const first = (field) =>
  field.options ? [...field.options].find((option) => option.defaultSelected)?.value : field.defaultValue;

function offer(field) {
  field.form?.classList.toggle("dirty", field.value !== first(field));
}

find.addEventListener("input", filter);
changed.addEventListener("change", filter);
jump.addEventListener("change", () => {
  document.getElementById(jump.value)?.scrollIntoView();
  jump.value = "";
});
for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => event.target.name === "value" && offer(event.target));
}
document.addEventListener("htmx:afterSwap", (event) => {
  const row = event.target;
  if (!row.matches?.(".setting")) return;
  note(t("settings.saved", { key: row.dataset.key }));
  row.querySelector("[name=value]").focus();
});
filter();
