// What is shown was asked for; once the wish has been changed, it must be asked anew before anything is booked.
"use strict";

const wish = document.querySelector("[data-wish]");
const answer = document.querySelector("[data-answer]");

wish?.addEventListener("input", () => {
  if (answer === null) return;
  answer.inert = true;
  wish.querySelector("[data-asked-before]").hidden = false;
});
