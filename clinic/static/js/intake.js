// The intake form saves by itself (htmx). This says when it could not, tries again, and lets the picture be tapped.
"use strict";

const form = document.querySelector("form[data-intake]");
document.documentElement.classList.add("js");

function sayUnsaved() {
  const saved = document.getElementById("saved");
  saved.textContent = form.dataset.unsaved;
  form.dataset.waits = "";
}

function saveAgain() {
  if ("waits" in form.dataset) form.dispatchEvent(new Event("change", { bubbles: true }));
}

form.addEventListener("htmx:sendError", sayUnsaved);
form.addEventListener("htmx:responseError", sayUnsaved);
form.addEventListener("htmx:afterOnLoad", () => delete form.dataset.waits);
window.addEventListener("online", saveAgain);
setInterval(saveAgain, 15000);

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
