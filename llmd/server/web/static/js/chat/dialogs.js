// Questions, and panels that open by a button.
const ask = document.getElementById("ask");

/** Ask before something that cannot be undone; returns whether it was confirmed. */
export function confirmed(title, text, yes) {
  ask.querySelector("h2").textContent = title;
  ask.querySelector("p").textContent = text;
  ask.querySelector('[value="yes"]').textContent = yes;
  ask.returnValue = "no";
  ask.showModal();
  return new Promise((resolve) => {
    ask.addEventListener("close", () => resolve(ask.returnValue === "yes"), { once: true });
  });
}

export function open(id) {
  for (const menu of document.querySelectorAll("[popover]:popover-open")) menu.hidePopover();
  const dialog = document.getElementById(id);
  if (!dialog.open) dialog.showModal();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-open]");
  if (opener) open(opener.dataset.open);
  // a click beside a dialog leaves it
  if (event.target instanceof HTMLDialogElement) event.target.close("no");
});
