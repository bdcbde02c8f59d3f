// The therapist's note: parts as tabs, the body map by tap, the hold's timer, and nothing typed lost. The page works without it.
"use strict";

const HOLD_ENDS_S = 60;
const HOLD_GOOD_S = 30;
const LINE = { start: 6, end: 380 };

const form = document.getElementById("note-form");
const find = (selector, within = document) => within.querySelector(selector);
const findAll = (selector, within = document) => [...within.querySelectorAll(selector)];

for (const node of findAll("[data-with-script]")) node.hidden = false;

// --- Parts of the note: one at a time, reached by their links or by a link to a field within.

function showPart(part) {
  for (const other of findAll("[data-part]")) other.classList.toggle("is-shown", other === part);
  for (const link of findAll("[data-parts] a")) {
    if (link.hash === `#${part.id}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function showWhereHashPoints() {
  const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
  const part = target?.closest("[data-part]");
  if (part) showPart(part);
  if (part && target !== part) (find("input, select, textarea", target) ?? target).focus();
}

if (find("[data-parts]")) {
  find(".n-mid").classList.add("by-part");
  const wrong = find(".is-invalid")?.closest("[data-part]");
  showPart(wrong ?? document.getElementById("treatment"));
  showWhereHashPoints();
  addEventListener("hashchange", showWhereHashPoints);
}

// --- What is wrong is shown in place, with its status.

const isSignInPage = (xhr) => new URL(xhr.responseURL).pathname.includes("login");

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (form && isSignInPage(xhr)) {
    event.detail.shouldSwap = false;
    keepHere("words-signed-out");
    return;
  }
  if (xhr.status === 409 || xhr.status === 422) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
    if (event.detail.target.id === "saved") remember();
  }
});

// --- What the note's form sends by itself goes to the note: htmx would take the address of the button clicked last.

document.addEventListener("htmx:configRequest", (event) => {
  if (!form || event.detail.elt !== form) return;
  event.detail.path = form.getAttribute("hx-post");
  delete event.detail.parameters.add;
});

// --- Nothing typed is lost: what could not be saved stays in this tab, and comes back after signing in again.

// Its writer finds it there, nobody else: stillpoint.js takes it away at sign-out and when another login appears.
const keptUnder = form ? `kept-${document.body.dataset.login}-${form.dataset.note}` : "";

function remember() {
  const typed = findAll(`[form="${form.id}"]`)
    .filter((field) => field.name && !field.name.startsWith("mark-") && field.type !== "hidden" && field.tagName !== "BUTTON")
    .filter((field) => !["radio", "checkbox"].includes(field.type) || field.checked)
    .map((field) => [field.name, field.value]);
  sessionStorage.setItem(keptUnder, JSON.stringify(typed));
}

function keepHere(words) {
  remember();
  document.getElementById("saved").replaceWith(document.getElementById(words).content.cloneNode(true));
}

function restore() {
  const kept = sessionStorage.getItem(keptUnder);
  if (kept === null) return;
  sessionStorage.removeItem(keptUnder);
  for (const [name, value] of JSON.parse(kept)) {
    for (const field of findAll(`[form="${form.id}"][name="${CSS.escape(name)}"]`)) {
      if (["radio", "checkbox"].includes(field.type)) field.checked = field.value === value || field.checked;
      else field.value = value;
    }
  }
  document.getElementById("saved").replaceWith(document.getElementById("words-restored").content.cloneNode(true));
  form.dispatchEvent(new Event("note:save"));
}

if (form && find("#words-offline")) {
  document.addEventListener("htmx:sendError", () => keepHere("words-offline"));
  document.addEventListener("htmx:responseError", (event) => {
    keepHere(event.detail.xhr.status === 403 ? "words-signed-out" : "words-offline");
  });
  addEventListener("online", () => form.dispatchEvent(new Event("note:save")));
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, xhr } = event.detail;
    if (elt === form && xhr.status === 200 && !isSignInPage(xhr)) sessionStorage.removeItem(keptUnder);
  });
  document.addEventListener("htmx:load", restore, { once: true });
}

// --- The block that is being written: what holds is asked again when region or technique change.

document.addEventListener("htmx:load", (event) => {
  for (const button of findAll("[data-look-button]", event.detail.elt)) button.hidden = true;
  find("[data-error-summary]", event.detail.elt)?.focus();
});

document.addEventListener("change", (event) => {
  const asking = event.target.closest("[data-look]")?.closest("form");
  if (!asking) return;
  // Only the newest question matters; and a block that is added meanwhile stops it (hx-sync), not the other way round.
  htmx.trigger(asking, "htmx:abort");
  find("[data-look-button]", asking)?.click();
});

// A block that opens is begun at its region; one that is added or taken out leads back to where the next begins.
document.addEventListener("htmx:afterSettle", (event) => {
  const { target, requestConfig } = event.detail;
  if (target.id === "block-form" && requestConfig.verb === "get") find("select", document.getElementById("block-form"))?.focus();
  if (target.id === "blocks" && document.activeElement === document.body) find(".n-add button")?.focus({ preventScroll: true });
});

// What is typed while that is asked stands in the new form too.
let typedMeanwhile = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig, xhr } = event.detail;
  const block = target.id === "block-form" && find("form", target);
  typedMeanwhile = block && requestConfig.verb === "post" && xhr.status === 200 ? new FormData(block) : null;
});

// At once after the swap: htmx:load comes some milliseconds later, when more may have been typed.
document.addEventListener("htmx:afterSwap", () => {
  const block = typedMeanwhile && find("#block-form form");
  for (const field of block ? block.elements : []) {
    if (!field.name || field.disabled || ["hidden", "submit"].includes(field.type)) continue;
    if (["radio", "checkbox"].includes(field.type)) field.checked = typedMeanwhile.getAll(field.name).includes(field.value);
    else if (typedMeanwhile.has(field.name)) field.value = typedMeanwhile.get(field.name);
  }
  typedMeanwhile = null;
});

document.addEventListener("click", (event) => {
  if (!form || !event.target.closest("[data-close-block]")) return;
  event.preventDefault();
  const empty = document.createElement("div");
  empty.id = "block-form";
  document.getElementById("block-form").replaceWith(empty);
  find(".n-add button")?.focus();
});

// --- The body map: a tap on a region places the kind of mark that is chosen.

let view = "";

function showView(name) {
  view = name;
  for (const drawing of findAll("[data-drawing]")) drawing.hidden = drawing.dataset.drawing !== name;
  for (const button of findAll("[data-views] button")) button.setAttribute("aria-pressed", String(button.dataset.view === name));
}

function openMap() {
  const views = find("[data-views]");
  if (!views) return;
  views.hidden = false;
  showView(view || find("button", views).dataset.view);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-views] button");
  if (button) showView(button.dataset.view);
  const region = event.target.closest("[data-map] .region");
  if (!region) return;
  const side = region.dataset.side === "mid" ? "middle" : region.dataset.side;
  find('[name="mark-region"]').value = region.dataset.region;
  find(`[name="mark-side"][value="${side}"]`).checked = true;
  find("[data-place-mark]").click();
});

document.addEventListener("htmx:afterSettle", openMap);
openMap();

// --- The hold: counts to sixty and stops there.

const hold = find("[data-hold]");
if (hold) {
  let since = 0;
  let timer = 0;
  const button = find("[data-hold-button]", hold);
  const said = find("[data-hold-said]", hold);

  const draw = (seconds) => {
    const x = LINE.start + (LINE.end - LINE.start) * Math.min(1, seconds / HOLD_ENDS_S);
    find("[data-hold-time]", hold).textContent = `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
    find("[data-hold-done]", hold).setAttribute("d", `M${LINE.start} 7H${x}`);
    find("[data-hold-dot]", hold).setAttribute("cx", x);
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    button.textContent = button.dataset.start;
  };
  const tick = () => {
    const seconds = Math.min(HOLD_ENDS_S, (performance.now() - since) / 1000);
    draw(seconds);
    if (seconds >= HOLD_ENDS_S) {
      stop();
      said.textContent = said.dataset.sixty;
    } else if (seconds >= HOLD_GOOD_S && said.textContent === "") {
      said.textContent = said.dataset.thirty;
    }
  };
  button.addEventListener("click", () => {
    if (timer) return stop();
    since = performance.now();
    said.textContent = "";
    button.textContent = button.dataset.stop;
    timer = setInterval(tick, 250);
    tick();
  });
}

// --- The session's clock.

const clock = find("[data-clock]:not([data-stopped])");
if (clock) {
  setInterval(() => {
    const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(clock.dataset.clock)) / 60000));
    const x = 5 + 158 * Math.min(1, minutes / Number(clock.dataset.booked));
    find("[data-minutes]", clock).textContent = minutes;
    find(".sl-done", clock).setAttribute("d", `M2 5H${x}`);
    find(".sl-dot", clock).setAttribute("cx", x);
  }, 15000);
}

// --- Before the session: the neck-artery questions appear with "different".

const start = find("[data-start]");
start?.addEventListener("change", (event) => {
  if (event.target.name !== "is_different") return;
  find("[data-neck-artery]", start).classList.toggle("n-later", event.target.value !== "yes");
});
