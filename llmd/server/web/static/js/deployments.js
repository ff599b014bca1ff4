// Deployments: the list of ended ones is fetched anew when one ends or a model comes or goes.
import { hear } from "./live.js";

const order = document.getElementById("order");
const leaving = document.getElementById("leaving");
const form = leaving.querySelector("form");
let standing = null;

hear("deployments-standing", (data) => {
  if (standing !== null && standing !== data) htmx.ajax("GET", "/web/deployments", { target: "#ended", swap: "innerHTML" });
  standing = data;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-unload]");
  if (!button) return;
  const name = button.dataset.unload;
  const cancels = "cancels" in button.dataset;
  form.reset();
  form.elements.model.value = name;
  document.getElementById("leaving-name").textContent = name;
  for (const part of form.querySelectorAll(".for-cancel")) part.hidden = !cancels;
  for (const part of form.querySelectorAll(".for-unload")) part.hidden = cancels;
  leaving.showModal();
});
form.querySelector(".close").addEventListener("click", () => leaving.close());
form.addEventListener("htmx:afterRequest", (event) => event.detail.successful && leaving.close());

/** What is wrong with an order stands below it, and its field is marked. */
function refuse(wrong) {
  const line = document.getElementById("wrong");
  line.textContent = wrong ? `${wrong.message} ${wrong.hint ?? ""}`.trim() : "";
  line.hidden = !wrong;
  for (const field of order.elements) field.removeAttribute("aria-invalid");
  const name = (wrong?.param ?? "").split(".").at(-1).replace(/^use_/, "");
  const field = order.elements.namedItem(name);
  if (!field) return;
  field.setAttribute("aria-invalid", "true");
  field.closest("details")?.setAttribute("open", "");
  field.focus();
}

order?.addEventListener("htmx:responseError", (event) => {
  const answer = event.detail.xhr;
  if (answer.status === 401 || answer.responseText.includes('"stale_page"')) return;
  try {
    refuse(JSON.parse(answer.responseText).error);
    event.stopPropagation();
  } catch {
    // a proxy's own page: told as everywhere
  }
});
order?.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful) return;
  refuse(null);
  order.reset();
});
