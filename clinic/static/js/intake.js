// The intake form saves by itself (htmx). This keeps in the tab what could not be saved, says so, and tries again; it
// lets the picture be tapped, the chips be searched, a line of medicine be added, and a signature be drawn.
"use strict";

const form = document.querySelector("form[data-intake]");
document.documentElement.classList.add("js");

// --- Saved, or kept in this tab until it can be. Closing the tab, signing out, and sending (stillpoint.js) forget it.

const KEPT = `kept-${document.body.dataset.login ?? ""}-intake-`;
const keptUnder = KEPT + form.dataset.intake;
let typed = 0; // how often something was typed,
let sending = 0; // how often when the last saving began,
let saved = 0; // and how often when the last one that succeeded did
let isSent = false;

const isUnsaved = () => saved < typed;

function remember() {
  typed += 1;
  const entries = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
  sessionStorage.setItem(keptUnder, JSON.stringify(entries));
}

function forget() {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(KEPT)) sessionStorage.removeItem(key);
  }
}

function say(words) {
  document.getElementById("saved").textContent = words;
}

function sayUnsaved(words) {
  say(words);
  form.dataset.waits = "";
}

const save = () => form.dispatchEvent(new Event("change"));

function saveAgain() {
  if ("waits" in form.dataset) save();
}

function fillIn(entries) {
  const said = new Map();
  for (const [name, value] of entries) said.set(name, [...(said.get(name) ?? []), value]);
  for (const name of said.keys()) {
    const line = /^(.+-)(\d+)-(?:name|class|days|months)$/.exec(name);
    while (line && !form.elements[name] && addMedicine(form.querySelector("[data-medicines]")));
  }
  for (const field of form.elements) {
    if (!field.name || field.type === "submit" || field.name === "csrfmiddlewaretoken") continue;
    const values = said.get(field.name) ?? [];
    if (["radio", "checkbox"].includes(field.type)) field.checked = values.includes(field.value);
    else field.value = values[0] ?? "";
  }
}

// What was typed on this step and never saved comes back; the page that answers what was sent holds it already.
function restore() {
  const kept = sessionStorage.getItem(keptUnder);
  forget();
  if (kept === null || "answered" in form.dataset) return;
  fillIn(JSON.parse(kept));
  paintMaps();
  remember();
  say(form.dataset.restored);
  save();
}

form.addEventListener("input", remember);
// What the form saves by itself goes where it is saved: htmx would take the address of the button clicked last.
form.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt !== form) return;
  event.detail.path = form.getAttribute("hx-post");
  for (const button of ["back", "more", "sign", "unsign"]) delete event.detail.parameters[button];
});
form.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt !== form) return;
  if (isSent) event.preventDefault();
  sending = typed;
});
form.addEventListener("htmx:afterRequest", (event) => {
  const { elt, xhr } = event.detail;
  // htmx does not call it successful where the answer leads elsewhere, as it does after an urgent one.
  if (elt !== form || !(xhr.status >= 200 && xhr.status < 400)) return;
  saved = sending;
  delete form.dataset.waits;
  if (!isUnsaved()) sessionStorage.removeItem(keptUnder);
});
form.addEventListener("htmx:sendError", () => sayUnsaved(form.dataset.offline));
form.addEventListener("htmx:responseError", () => sayUnsaved(form.dataset.refused));
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

window.addEventListener("beforeunload", (event) => {
  if (isUnsaved() && !isSent && !navigator.onLine) event.preventDefault();
});

// Whoever closes the page, or turns to something else, leaves her last words behind.
window.addEventListener("pagehide", () => {
  if (isUnsaved() && !isSent) navigator.sendBeacon(form.getAttribute("hx-post"), new FormData(form));
  saved = typed;
});
window.addEventListener("pageshow", () => {
  isSent = false;
});
document.addEventListener("htmx:load", restore, { once: true });

// --- What hurts, on the picture: a region and its chip are the same choice. One side of the head is shown at a time.

function boxesOf(map) {
  return new Map([...form.querySelectorAll(`input[name="${map.dataset.map}"]`)].map((box) => [box.value, box]));
}

function paintMaps() {
  for (const map of form.querySelectorAll("[data-map]")) {
    const boxes = boxesOf(map);
    for (const region of map.querySelectorAll("[data-region]")) {
      region.classList.toggle("is-selected", boxes.get(region.dataset.region)?.checked ?? false);
      region.classList.toggle("is-muted", !boxes.has(region.dataset.region));
    }
  }
}

function turnTo(map, view) {
  for (const button of map.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  for (const drawing of map.querySelectorAll("[data-drawing]")) drawing.hidden = drawing.dataset.drawing !== view;
}

for (const map of form.querySelectorAll("[data-map]")) {
  turnTo(map, map.querySelector("[data-view]").dataset.view);
  map.addEventListener("click", (event) => {
    const view = event.target.closest("[data-view]")?.dataset.view;
    if (view) turnTo(map, view);
    boxesOf(map).get(event.target.closest("[data-region]")?.dataset.region)?.click();
  });
}
form.addEventListener("change", paintMaps);
paintMaps();

// --- Chips by a word: what does not match steps aside, and what is folded away is found too.

function searchChips(search) {
  const chips = search.closest("fieldset");
  const folds = [...chips.querySelectorAll("details")];
  const found = search.parentElement.querySelector("[role=status]");
  search.parentElement.hidden = false;
  search.addEventListener("input", (event) => {
    event.stopPropagation();
    const word = search.value.trim().toLowerCase();
    let count = 0;
    for (const chip of chips.querySelectorAll("label.chip")) {
      const isFound = chip.textContent.toLowerCase().includes(word);
      chip.hidden = chip.control.hidden = !isFound;
      count += isFound;
    }
    for (const group of chips.querySelectorAll(".grp, details")) {
      group.hidden = group.querySelector("label.chip:not([hidden])") === null;
    }
    for (const fold of folds) fold.open = word !== "" || fold.querySelector(":checked") !== null;
    found.textContent = word !== "" && count === 0 ? search.dataset.none : "";
  });
  for (const kind of ["change", "keyup"]) search.addEventListener(kind, (event) => event.stopPropagation());
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
}

form.querySelectorAll("[data-chip-search]").forEach(searchChips);

// --- Medicine: a known name chooses its kind, and one more line needs no page.

const MOST_MEDICINES = 12;

function addMedicine(set) {
  const lines = set.querySelectorAll(".medicine");
  if (lines.length >= MOST_MEDICINES) return false;
  const last = lines[lines.length - 1];
  const next = last.cloneNode(true);
  const renumbered = (text) => text.replace(/\d+/, String(lines.length + 1));
  next.querySelector("legend").textContent = renumbered(last.querySelector("legend").textContent);
  for (const field of next.querySelectorAll("[name]")) {
    field.name = field.id = renumbered(field.name);
    field.value = "";
  }
  for (const label of next.querySelectorAll("label")) label.htmlFor = renumbered(label.htmlFor);
  last.after(next);
  return true;
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=more]");
  if (button === null) return;
  event.preventDefault();
  const set = button.closest("[data-medicines]");
  if (addMedicine(set)) set.querySelector(".medicine:last-child input").focus();
});
form.addEventListener("input", (event) => {
  const set = event.target.closest("[data-medicines]");
  if (set === null || !event.target.name.endsWith("-name")) return;
  const name = event.target.value.trim().toLowerCase();
  const known = [...set.querySelectorAll("datalist option")].find((option) => option.value.toLowerCase() === name);
  const kind = event.target.closest(".medicine").querySelector("select[name$='-class']");
  if (known && kind.value === "") kind.value = known.dataset.class;
});

// --- A signature is drawn with a finger or a pen; the hidden field holds it as lines of x, y, x, y…

function drawable(details) {
  const canvas = details.querySelector("canvas");
  const field = details.querySelector("input[type=hidden]");
  const pen = canvas.getContext("2d");
  let lines = field.value ? JSON.parse(field.value) : [];
  let isDown = false;
  const within = (number, most) => Math.max(0, Math.min(most, Math.round(number)));
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      within(((event.clientX - box.left) / box.width) * canvas.width, canvas.width),
      within(((event.clientY - box.top) / box.height) * canvas.height, canvas.height),
    ];
  };
  const draw = () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    Object.assign(pen, { lineWidth: 4, lineCap: "round", lineJoin: "round", strokeStyle: getComputedStyle(canvas).color });
    for (const line of lines) {
      pen.beginPath();
      for (let at = 0; at < line.length; at += 2) pen.lineTo(line[at], line[at + 1]);
      pen.stroke();
    }
  };
  canvas.addEventListener("pointerdown", (event) => {
    isDown = true;
    canvas.setPointerCapture(event.pointerId);
    lines.push(point(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!isDown) return;
    const line = lines[lines.length - 1];
    const [x, y] = point(event);
    if (Math.abs(x - line.at(-2)) + Math.abs(y - line.at(-1)) < 4) return;
    line.push(x, y);
    draw();
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, () => {
      isDown = false;
      field.value = JSON.stringify(lines);
    });
  }
  details.querySelector("[data-wipe]").addEventListener("click", () => {
    lines = [];
    field.value = "";
    draw();
  });
  details.hidden = false;
  details.open = lines.length > 0;
  draw();
}

form.querySelectorAll("[data-drawing-field]").forEach(drawable);
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "step") document.querySelectorAll("#step [data-drawing-field]").forEach(drawable);
});
// Whoever reads by ear stays at the consent she has signed, or taken back.
document.addEventListener("htmx:afterSettle", (event) => {
  const { target, requestConfig } = event.detail;
  if (target.id !== "step" || document.activeElement !== document.body) return;
  const place = document.getElementById(`id_${requestConfig.elt.value}_sign`);
  (place?.closest("details:not([open])")?.querySelector("summary") ?? place)?.focus({ preventScroll: true });
});
// Enter under a consent signs this one.
form.addEventListener("keydown", (event) => {
  const consent = event.key === "Enter" && event.target.matches(".consent input") && event.target.closest(".consent");
  if (!consent) return;
  event.preventDefault();
  consent.querySelector("button[name=sign]").click();
});
