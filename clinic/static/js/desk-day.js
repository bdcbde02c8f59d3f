// The desk's day: keys, the panel beside the day, and what changed meanwhile. The page works without any of it.
"use strict";

const LOOK_AGAIN_MS = 15000;
const side = document.getElementById("side");

function isTypingIn(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

function markOpenVisit() {
  const open = side?.querySelector("[data-visit]")?.dataset.visit;
  for (const block of document.querySelectorAll(".blk")) {
    block.classList.toggle("is-selected", block.id === `visit-${open}`);
  }
}

function closePanel() {
  const open = side.querySelector("[data-visit]")?.dataset.visit;
  side.replaceChildren();
  const address = new URL(window.location.href);
  address.searchParams.delete("open");
  window.history.replaceState(null, "", address);
  markOpenVisit();
  (document.getElementById(`visit-${open}`) ?? document.getElementById(`row-${open}`))?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || isTypingIn(event.target)) return;
  if (event.key === "Escape" && side?.hasChildNodes()) {
    closePanel();
    return;
  }
  const way = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (way === null) return;
  event.preventDefault();
  way.click();
});

side?.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-panel]") === null) return;
  event.preventDefault();
  closePanel();
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  markOpenVisit();
  if (event.detail.target === side) side.querySelector("#visit-name")?.focus();
});

// A request that was led elsewhere (to the sign-in, after a long break) replaces the page, not a part of it.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const asked = new URL(event.detail.pathInfo.requestPath, window.location.href);
  const answered = new URL(event.detail.xhr.responseURL || asked);
  if (asked.pathname === answered.pathname) return;
  event.detail.shouldSwap = false;
  window.location.reload();
});

// Two people with the page open see each other's changes; htmx keeps the focus by id.
if (document.getElementById("board") !== null) {
  setInterval(() => {
    if (document.visibilityState !== "visible") return;
    const phone = document.querySelector(".day-phone");
    if (phone !== null && phone.offsetParent !== null) return;
    window.htmx.ajax("GET", window.location.href, { target: "#board", select: "#board", swap: "outerHTML" });
  }, LOOK_AGAIN_MS);
}
