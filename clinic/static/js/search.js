// The search in the head of staff pages: options while one types. Without it the form leads to the list of clients.
"use strict";

const PAUSE_MS = 120;
function offerClients(form) {
  const field = form.querySelector("[data-search]");
  const found = form.querySelector("[data-search-found]");
  const said = form.querySelector("[data-search-said]");
  const opener = document.querySelector("[data-search-open]");

  let pause = 0;
  let asking = null;
  let shownFor = null; // the words whose options are shown; null while none are
  let cameFrom = null; // what had the focus when “/” was pressed; null where that was nothing

  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-expanded", "false");
  field.setAttribute("aria-controls", "found-clients");

  const words = () => field.value.trim();
  const options = () => [...found.querySelectorAll("[role=option]")];
  const chosen = () => found.querySelector("[aria-selected=true]");

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
  }

  function step(by) {
    const all = options();
    const now = all.indexOf(chosen());
    choose(all[now < 0 ? (by > 0 ? 0 : all.length - 1) : (now + by + all.length) % all.length]);
  }

  function close() {
    clearTimeout(pause);
    asking?.abort();
    choose(null);
    shownFor = null;
    found.hidden = true;
    field.setAttribute("aria-expanded", "false");
  }

  function show(html, typed) {
    found.innerHTML = html;
    found.hidden = false;
    shownFor = typed;
    field.setAttribute("aria-expanded", "true");
    field.removeAttribute("aria-activedescendant");
    said.textContent = found.querySelector("[data-said]").textContent;
    // Who was typed for is one Enter away; to add somebody, or to open a recent one, is chosen on purpose.
    if (typed && options().length > 1) choose(options()[0]);
  }

  async function ask() {
    asking?.abort();
    asking = new AbortController();
    const typed = words();
    try {
      const answer = await fetch(`${form.dataset.searchForm}?q=${encodeURIComponent(typed)}`, { signal: asking.signal });
      const html = await answer.text();
      // Redirected: the sign-in has ended, and Enter leads to it.
      if (answer.ok && !answer.redirected && typed === words()) show(html, typed);
      else if (typed === words()) close();
    } catch (problem) {
      if (problem.name !== "AbortError") close();
    }
  }

  function open() {
    if (opener.offsetParent) form.classList.add("is-open"); // where there is only the sign, it lies over the bar
    field.focus();
    field.select();
  }

  function leave() {
    close();
    form.classList.remove("is-open");
  }

  field.addEventListener("focus", ask);
  field.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(ask, PAUSE_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (found.hidden) ask();
      else step(event.key === "ArrowDown" ? 1 : -1);
    }
    if (event.key === "Enter" && chosen() && shownFor === words()) {
      event.preventDefault();
      chosen().click();
    }
    if (event.key === "Escape") {
      event.preventDefault();
      const wasOpen = !found.hidden;
      close();
      if (wasOpen && !opener.offsetParent) return;
      leave();
      (cameFrom ?? (opener.offsetParent ? opener : field)).focus();
      if (document.activeElement === field) field.blur();
    }
  });

  // A click on an option must not take the focus, or the options would be gone before it counts.
  found.addEventListener("pointerdown", (event) => event.preventDefault());
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) leave();
  });
  form.querySelector("[data-search-close]").addEventListener("click", () => {
    leave();
    opener.focus();
  });
  opener.addEventListener("click", (event) => {
    event.preventDefault();
    cameFrom = null;
    open();
  });
  document.addEventListener("keydown", (event) => {
    // In a box or a key to choose by there is nothing to type.
    const typed = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
    const isTyping = event.target.closest(typed) !== null;
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    cameFrom = document.activeElement === document.body ? null : document.activeElement;
    open();
  });
  // The browser's back button may show the page as it was left.
  addEventListener("pageshow", leave);
}

document.querySelectorAll("[data-search-form]").forEach(offerClients);
