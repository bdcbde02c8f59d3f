// Small helps; every page works without them.
"use strict";

const TOAST_STAYS_MS = 8000;

function leaveWhenRead(toast) {
  const close = toast.querySelector("[data-toast-close]");
  close.hidden = false;
  close.addEventListener("click", () => toast.remove());
  if ("stays" in toast.dataset) return;
  const leaveUnlessHeld = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(leaveUnlessHeld, 1000);
    else toast.remove();
  };
  setTimeout(leaveUnlessHeld, TOAST_STAYS_MS);
}

function closeFolds(except) {
  for (const fold of document.querySelectorAll("details.fold[open]")) {
    if (!fold.contains(except)) fold.open = false;
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const fold = event.target.closest("details.fold[open]");
    closeFolds(null);
    fold?.querySelector("summary").focus();
  }
});

document.addEventListener("click", (event) => closeFolds(event.target));

// A location, a day or a filter is applied as soon as it is chosen; without script its form has a button.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-apply-at-once]")) event.target.form.requestSubmit();
});

// A sent form waits with its button's word changed and its width kept, and is not sent twice.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || !button?.dataset.waiting) return;
  if (button.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  button.style.minWidth = `${button.offsetWidth}px`;
  button.setAttribute("aria-busy", "true");
  button.dataset.word = button.textContent;
  button.textContent = button.dataset.waiting;
});

// The browser's back button may show the page as it was left.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[aria-busy=true][data-word]")) {
    button.removeAttribute("aria-busy");
    button.textContent = button.dataset.word;
  }
});

// A form with words that are not saved asks before it is left; its own "leave as it was" does not, for that is meant.
const typedInto = new WeakSet();
let isMeant = false;

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.matches("[data-guards-text]")) typedInto.add(form);
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-guards-text]") && !event.defaultPrevented) isMeant = true;
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-discards]") !== null) isMeant = true;
});
addEventListener("beforeunload", (event) => {
  const forms = [...document.querySelectorAll("[data-guards-text]")];
  if (!isMeant && forms.some((form) => typedInto.has(form) || form.dataset.guardsText === "unsaved")) event.preventDefault();
});
addEventListener("pageshow", () => {
  isMeant = false;
});

// What a page keeps in this tab of what was typed (kept-<login>-…) waits for its writer only.
function forgetTyped(login) {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith("kept-") && !key.startsWith(`kept-${login}-`)) sessionStorage.removeItem(key);
  }
}

if (document.body.dataset.login) forgetTyped(document.body.dataset.login);
// Once it was sent, nobody else finds it on a device that is shared.
if (document.querySelector("[data-forgets-typed]")) forgetTyped();
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-signs-out]")) return;
  forgetTyped();
  localStorage.setItem("signed-out-at", Date.now()); // tells the other tabs
});
addEventListener("storage", (event) => {
  if (event.key === "signed-out-at") forgetTyped();
});

document.querySelectorAll("[data-toast]").forEach(leaveWhenRead);
new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    if (node.matches?.("[data-toast]")) leaveWhenRead(node);
  }
}).observe(document.getElementById("toasts"), { childList: true });

document.querySelector("[data-error-summary]")?.focus();
document.addEventListener("htmx:load", (event) => event.detail.elt.querySelector?.("[data-error-summary]")?.focus());
