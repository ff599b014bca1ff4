// Regions that live: one stream of server-sent events for all of a page, and only while it is seen,
// since browsers open no more than six connections to a server.
import { leave, note, t, tellTimes } from "./base.js";

const hearers = new Map();
let source = null;
let lost = null;

/** Have `hear` called with the data of a region each time it changes. */
export function hear(region, call) {
  hearers.set(region, [...(hearers.get(region) ?? []), call]);
}

function put(element, html) {
  const focused = document.activeElement;
  Idiomorph.morph(element, html, {
    morphStyle: "innerHTML",
    ignoreActiveValue: true,
    callbacks: { beforeNodeMorphed: (old) => !(old.nodeType === 1 && old.hasAttribute("data-keep")) },
  });
  htmx.process(element);
  tellTimes(element);
  if (focused !== document.activeElement && focused?.isConnected) focused.focus();
}

export function start() {
  for (const element of document.querySelectorAll("[data-region]")) {
    hear(element.dataset.region, (data) => put(element, data));
  }
  if (!hearers.size) return;
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : open()));
  window.addEventListener("pagehide", stop);
  if (!document.hidden) open();
}

function open() {
  if (source) return;
  source = new EventSource(`/web/live?regions=${[...hearers.keys()].join(",")}`);
  source.onopen = () => {
    if (!lost) return;
    lost.remove();
    lost = null;
    note(t("live.back"));
  };
  source.onerror = async () => {
    if (!lost) {
      lost = note(t("live.lost"), true);
    }
    if (source?.readyState !== EventSource.CLOSED) return;
    stop();
    const answer = await fetch("/web/who").catch(() => null);
    if (answer?.status === 401) return leave();
    setTimeout(() => document.hidden || open(), 2000);
  };
  for (const [region, calls] of hearers) {
    source.addEventListener(region, (event) => calls.forEach((call) => call(event.data)));
  }
}

function stop() {
  source?.close();
  source = null;
}
