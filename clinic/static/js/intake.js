// The intake form saves by itself (htmx). This says when it could not, tries again, and lets the picture be tapped.
"use strict";

const form = document.querySelector("form[data-intake]");
document.documentElement.classList.add("js");
let isUnsaved = false;
let isSent = false;

function sayUnsaved(words) {
  document.getElementById("saved").textContent = words;
  form.dataset.waits = "";
  isUnsaved = true;
}

function saveAgain() {
  if ("waits" in form.dataset) form.dispatchEvent(new Event("change", { bubbles: true }));
}

form.addEventListener("input", () => {
  isUnsaved = true;
});
form.addEventListener("htmx:beforeRequest", (event) => {
  if (isSent) event.preventDefault();
  else isUnsaved = false;
});
form.addEventListener("htmx:sendError", () => sayUnsaved(form.dataset.offline));
form.addEventListener("htmx:responseError", () => sayUnsaved(form.dataset.refused));
form.addEventListener("htmx:afterOnLoad", () => delete form.dataset.waits);
window.addEventListener("online", saveAgain);
setInterval(saveAgain, 15000);

// What is sent holds everything: a saving still under way, or about to begin, must not come after it. Without a
// connection nothing is sent either, for the browser's own page would take the place of what she has typed.
form.addEventListener("submit", (event) => {
  if (!navigator.onLine) {
    event.preventDefault();
    sayUnsaved(form.dataset.offline);
    return;
  }
  isSent = true;
  htmx.trigger(form, "htmx:abort");
});

// Whoever closes the page, or turns to something else, leaves her last words behind.
window.addEventListener("pagehide", () => {
  if (isUnsaved && !isSent) navigator.sendBeacon(form.getAttribute("hx-post"), new FormData(form));
  isUnsaved = false;
});
window.addEventListener("pageshow", () => {
  isSent = false;
});

// What hurts, on the picture: a region and its chip are the same choice.
for (const map of form.querySelectorAll("[data-map]")) {
  const boxes = new Map([...form.querySelectorAll(`input[name="${map.dataset.map}"]`)].map((box) => [box.value, box]));
  const paint = () => {
    for (const region of map.querySelectorAll("[data-region]")) {
      region.classList.toggle("is-selected", boxes.get(region.dataset.region)?.checked ?? false);
    }
  };
  map.addEventListener("click", (event) => {
    const box = boxes.get(event.target.closest("[data-region]")?.dataset.region);
    if (box === undefined) return;
    box.click();
  });
  form.addEventListener("change", paint);
  paint();
}
