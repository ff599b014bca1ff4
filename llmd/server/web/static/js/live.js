// Regions that live: one stream of server-sent events for all of a page, and only while it is seen,
// since browsers open no more than six connections to a server.
import { leave, note, renew, t, tellTimes } from "./base.js";

const hearers = new Map();
let source = null;
let lost = null;
const QUICK = 1000;
const SLOW = 30000;
let pause = QUICK;

/** Have `hear` called with the data of a region each time it changes. */
export function hear(region, call) {
  hearers.set(region, [...(hearers.get(region) ?? []), call]);
}

function put(element, html) {
  const focused = document.activeElement;
  Idiomorph.morph(element, html, {
    morphStyle: "innerHTML",
    // what is being typed or chosen stays; a button that was pressed may well become another one
    ignoreActiveValue: Boolean(focused?.matches("input, select, textarea")),
    callbacks: {
      beforeNodeMorphed: (old) => !(old.nodeType === 1 && old.hasAttribute("data-keep")),
      // what somebody has folded out stays open
      beforeAttributeUpdated: (name, old) => !(name === "open" && old.tagName === "DETAILS"),
    },
  });
  htmx.process(element);
  tellTimes(element);
  element.dispatchEvent(new CustomEvent("llmd:filled", { bubbles: true }));
  if (focused !== document.activeElement && focused?.isConnected) focused.focus();
}

export function start() {
  for (const element of document.querySelectorAll("[data-region]")) {
    hear(element.dataset.region, (data) => put(element, data));
  }
  if (!hearers.size) return;
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : open()));
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", () => document.hidden || open());
  if (!document.hidden) open();
}

function open() {
  if (source) return;
  source = new EventSource(`/web/live?regions=${[...hearers.keys()].join(",")}`);
  source.onopen = found;
  source.onerror = () => {
    lost ??= note(t("live.lost"), true, true);
    document.body.classList.add("away");
    if (source?.readyState === EventSource.CLOSED) refused();
  };
  for (const [region, calls] of hearers) {
    source.addEventListener(region, (event) => calls.forEach((call) => call(event.data)));
  }
}

// llmd may have started anew meanwhile, perhaps as another version
function found() {
  pause = QUICK;
  document.body.classList.remove("away");
  if (!lost) return;
  lost.remove();
  lost = null;
  note(t("live.back"));
  renew();
}

// browsers try again by themselves only while nobody answers
async function refused() {
  stop();
  const answer = await fetch("/web/who").catch(() => null);
  if (answer?.status === 401) return leave();
  setTimeout(() => document.hidden || open(), pause);
  pause = Math.min(2 * pause, SLOW);
}

function stop() {
  source?.close();
  source = null;
}
