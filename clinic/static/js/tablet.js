// A tablet that was handed over shows nothing of its form after ten minutes without a touch or a key.
"use strict";

const rest = document.currentScript.dataset.rest;
const QUIET = 10 * 60 * 1000;
let resting;

function begin() {
  clearTimeout(resting);
  resting = setTimeout(() => location.replace(rest), QUIET);
}

for (const touch of ["pointerdown", "keydown", "input", "scroll"]) {
  window.addEventListener(touch, begin, { passive: true });
}
// A tablet that slept has a clock that did not run.
let seen = Date.now();
setInterval(() => {
  if (Date.now() - seen > QUIET) location.replace(rest);
  seen = Date.now();
}, 5000);
begin();
