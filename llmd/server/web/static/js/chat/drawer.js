// The side on narrow screens: a drawer over the conversation, which cannot be reached while it is open.
const side = document.getElementById("side");
const stage = document.getElementById("stage");
const opener = document.getElementById("open-side");
const narrow = window.matchMedia("(max-width: 52rem)");

export const isNarrow = () => narrow.matches;

export function openDrawer() {
  if (!narrow.matches) return;
  side.classList.add("open");
  side.inert = false;
  stage.inert = true;
  opener.setAttribute("aria-expanded", "true");
  document.getElementById("close-side").focus();
}

export function closeDrawer() {
  const was = side.classList.contains("open");
  side.classList.remove("open");
  side.inert = narrow.matches;
  stage.inert = false;
  opener.setAttribute("aria-expanded", "false");
  if (was) opener.focus();
  return was;
}

opener.addEventListener("click", openDrawer);
document.getElementById("close-side").addEventListener("click", closeDrawer);
document.addEventListener("pointerdown", (event) => {
  if (side.classList.contains("open") && !side.contains(event.target) && !event.target.closest("[popover]")) closeDrawer();
});
narrow.addEventListener("change", closeDrawer);
closeDrawer();
