// The menu of pages on narrow screens.
const button = document.querySelector("button.menu");
const pages = document.getElementById("pages");

function show(open) {
  button.setAttribute("aria-expanded", String(open));
  pages.classList.toggle("open", open);
}

button.addEventListener("click", () => {
  show(button.getAttribute("aria-expanded") !== "true");
  if (pages.classList.contains("open")) pages.querySelector("a[aria-current], a")?.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !pages.classList.contains("open")) return;
  show(false);
  button.focus();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".side")) show(false);
});
