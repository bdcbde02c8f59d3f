// The calendar: blocks that are dragged, keys, the panel beside the day, and what others changed meanwhile.
// Without it the day is a list, and everything else a form.
"use strict";

const LOOK_AGAIN_MS = 5000;
const SLOT_PX = 36; // half an hour
const NOW_LABEL_PX = 18; // so near an hour's label would meet that of now
const SHORT_MINUTES = 39; // room for one line
const LOW_MINUTES = 59; // room for two
const DENSE_WIDTH = "minmax(96px, 1fr)";

const isNarrow = window.matchMedia("(max-width: 620px)").matches;
let box, shown, side, moving, words, isWeek, isDense;
takeParts();

function takeParts() {
  box = document.getElementById("calendar");
  shown = box ?? document.getElementById("day-list"); // neither on a visit's own page
  side = document.getElementById("side");
  moving = document.getElementById("moving");
  words = readJson("calendar-words");
  isWeek = box?.dataset.days === "week";
  isDense = isWeek && !box.dataset.of; // many narrow columns
}

function readJson(id) {
  const found = document.getElementById(id);
  return found === null ? {} : JSON.parse(found.textContent);
}

// --- Small parts of the page

function node(tag, classes, ...children) {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  made.append(...children);
  return made;
}

function icon(name) {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawn.setAttribute("class", "i");
  drawn.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${box.dataset.icons}#i-${name}`);
  drawn.append(use);
  return drawn;
}

function fill(words, ...values) {
  return values.reduce((said, value) => said.replace("%s", value), words);
}

function setAddress(changes) {
  const address = new URL(window.location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) address.searchParams.delete(name);
    else address.searchParams.set(name, value);
  }
  window.history.replaceState(window.history.state, "", address);
}

function addressFor(template, pk) {
  return template.replace("/0/", `/${pk}/`);
}

function wall(date) {
  const two = (number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Return how far two times of the clinic's wall are apart; where this browser stands, the clocks may change between. */
function minutesBetween(one, other) {
  return (Date.parse(`${other}Z`) - Date.parse(`${one}Z`)) / 60000;
}

// --- Toasts, with the way back

let undoAddress = document.querySelector("[data-toast] [data-undo]")?.form.action ?? "";

function toast(said, undo) {
  const made = node("div", "toast", node("span", "", said));
  made.dataset.toast = "";
  if (undo) {
    undoAddress = undo;
    const button = node("button", "", words.undo);
    button.dataset.undo = "";
    const form = node("form", "", button);
    form.method = "post";
    form.action = undo;
    made.append(form);
  }
  const close = node("button", "", words.close);
  close.type = "button";
  close.dataset.toastClose = "";
  made.append(close);
  document.getElementById("toasts").append(made);
}

/** Take the last change back: the one that was told last, or else that of the visit that is open. */
async function takeBack() {
  const open = openVisit();
  const address = undoAddress || (open && addressFor(box.dataset.undo, open));
  undoAddress = "";
  if (!address) {
    toast(words.nothingToUndo);
    return;
  }
  for (const told of document.querySelectorAll("[data-toast]:has([data-undo])")) told.remove();
  let answer;
  try {
    answer = await post(address, {});
  } catch (fault) {
    toast(words.notSent);
    return;
  }
  await refresh();
  await showAgain();
  toast(answer.said.words);
}

// What is done in the panel leads back to the part of the calendar that is shown.
document.addEventListener("submit", ({ target }) => {
  if (side?.contains(target) && target.elements.next) target.elements.next.value = window.location.pathname + window.location.search;
});

document.addEventListener("submit", (event) => {
  if (box === null || event.submitter?.dataset.undo === undefined) return;
  event.preventDefault();
  undoAddress = event.target.action;
  takeBack();
});

// --- What is told and asked

async function post(address, form) {
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const answer = await fetch(address, {
    method: "POST",
    headers: { "X-CSRFToken": token, Accept: "application/json" },
    body: new URLSearchParams(Object.entries(form).filter(([, value]) => value !== null && value !== undefined)),
  });
  if (answer.redirected || !(answer.headers.get("Content-Type") ?? "").includes("json")) {
    if (answer.redirected || answer.status === 403 || answer.status === 404) window.location.reload();
    throw new Error(`${address}: ${answer.status}`);
  }
  return { status: answer.status, said: await answer.json() };
}

/** Ask for a change; resolve to whether it was made. What was refused goes back to where it was. */
async function change(address, form, putBack) {
  let answer;
  try {
    answer = await post(address, form);
  } catch (fault) {
    putBack();
    toast(words.notSent);
    return false;
  }
  if (answer.status === 200) {
    await refresh();
    toast(answer.said.words, answer.said.undo);
    await showAgain();
    return true;
  }
  if (answer.status === 422) {
    const reason = await askReason(answer.said.words);
    if (reason) return change(address, { ...form, reason }, putBack);
    putBack();
    return false;
  }
  putBack();
  refresh();
  const chosen = await tellRefused(answer.said);
  return chosen ? change(address, { ...form, room: null, at: chosen.at, therapist: chosen.therapist }, () => {}) : false;
}

function asked(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue), { once: true }));
}

async function askReason(said) {
  const dialog = document.getElementById("reason");
  const why = dialog.querySelector("[name=why]");
  dialog.querySelector("[data-words]").textContent = said;
  why.value = "";
  why.required = true;
  return (await asked(dialog)) === "go" ? why.value.trim() : "";
}

async function tellRefused(said) {
  const dialog = document.getElementById("refused");
  const offers = dialog.querySelector("[data-offers]");
  dialog.querySelector("[data-words]").textContent = said.words;
  dialog.querySelector("[data-next]").hidden = !said.next?.length;
  offers.replaceChildren();
  for (const [place, offer] of (said.next ?? []).entries()) {
    const button = node("button", "btn", offer.words);
    button.type = "button";
    button.addEventListener("click", () => dialog.close(String(place)));
    offers.append(button);
  }
  const place = await asked(dialog);
  return place === "" ? null : said.next[Number(place)];
}

// --- The panel beside the day

function openVisit() {
  return side?.querySelector("[data-visit]")?.dataset.visit ?? null;
}

function markOpenVisit() {
  const open = openVisit();
  for (const block of document.querySelectorAll("[data-block]")) {
    block.classList.toggle("is-selected", block.dataset.block === open || isArmed(block.dataset.block));
  }
}

let turns = 0;

/** Read a visit's panel; of two that were asked for at once, the later counts. */
async function readPanel(pk) {
  const turn = ++turns;
  const answer = await fetch(addressFor(shown.dataset.visit, pk), { headers: { "HX-Request": "true" }, cache: "no-store" });
  if (answer.redirected || !answer.ok) window.location.reload(); // to the sign-in, after a long break
  const read = await answer.text();
  if (turn !== turns) return;
  side.innerHTML = read;
  markOpenVisit();
}

async function show(pk) {
  await readPanel(pk);
  setAddress({ open: pk });
  side.querySelector("#visit-name")?.focus({ preventScroll: true });
}

/** Read the open panel again, unless somebody types in it. */
async function showAgain() {
  const open = openVisit();
  if (open === null || side.contains(document.activeElement?.closest("input, textarea, select"))) return;
  const hadFocus = side.contains(document.activeElement);
  await readPanel(open);
  if (hadFocus) side.querySelector("#visit-name")?.focus({ preventScroll: true });
}

function closePanel() {
  const open = openVisit();
  side.replaceChildren();
  setAddress({ open: null });
  markOpenVisit();
  (document.querySelector(`[data-block="${open}"]`) ?? document.getElementById(`row-${open}`))?.focus();
}

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target.closest("[data-open], [data-close-panel], [data-arms], [data-opens], [data-key^=Arrow]");
  if (link === null) return;
  if ("opens" in link.dataset) document.getElementById(link.dataset.opens).showModal();
  else if (side === null) return;
  else if ("arms" in link.dataset && box !== null) arm(link.dataset.arms);
  else if ("open" in link.dataset) show(link.dataset.open);
  else if ("closePanel" in link.dataset) closePanel();
  else if (link.matches("[data-key^=Arrow]")) stepTo(link.href);
  else return;
  event.preventDefault();
});

// --- Keys

document.addEventListener("keydown", async (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key !== "?")) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog") !== null) return;
  if (event.key === "u" && box !== null) {
    event.preventDefault();
    takeBack();
    return;
  }
  if (event.key === "Escape" && moving === null && side?.hasChildNodes()) {
    closePanel();
    return;
  }
  // A visit that has the focus is the one that is meant.
  const block = event.target.closest("[data-block]");
  if (block !== null && "am".includes(event.key) && block.dataset.block !== openVisit()) {
    event.preventDefault();
    await show(block.dataset.block);
  }
  const way = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (way === null) return;
  event.preventDefault();
  way.click();
});

// --- From day to day, without loading the page anew: a key pressed while a page is read is lost

let steps = 0;

/** Go on by a page; pressed quickly, by as many as were pressed before the first was there. */
async function stepTo(way) {
  const address = new URL(way);
  const [here, there] = [document.querySelector("[data-on]").dataset.on, address.searchParams.get("on")].map((on) => Date.parse(`${on}T00:00Z`));
  steps += Math.sign(there - here);
  address.searchParams.set("on", new Date(here + steps * Math.abs(there - here)).toISOString().slice(0, 10));
  if (!(await goTo(address))) return;
  window.history.replaceState({ isDay: true }, "");
  window.history.pushState({ isDay: true }, "", address);
}

window.addEventListener("popstate", ({ state }) => state?.isDay && goTo(window.location.href));

window.addEventListener("beforeunload", () => (ways += 1)); // a link was followed before the day was there

const OF_THE_DAY = ["#main", ".topbar > .wide-only", ".who"]; // the rest of the page is the same on every day
let ways = 0;

/** Put another day in the place of this one; resolve to whether it was found, and nobody wanted to go on meanwhile. */
async function goTo(address) {
  const way = ++ways;
  const page = await readPage(address);
  if (way !== ways) return false;
  if (!page?.querySelector("[data-on]")) {
    window.location.assign(address);
    return false;
  }
  const key = document.activeElement?.dataset.key;
  if (calendar !== null) EventCalendar.destroy(calendar);
  document.title = page.title;
  for (const part of OF_THE_DAY) document.querySelector(part)?.replaceWith(page.querySelector(part) ?? "");
  document.getElementById("toasts").append(...page.getElementById("toasts").children);
  takeParts();
  turns += 1; // a panel that was asked for belongs to the day that is gone
  steps = 0;
  begin();
  const main = document.getElementById("main");
  main.ariaLabel = page.title;
  (main.querySelector(key ? `[data-key="${key}"]` : "[autofocus]") ?? main).focus({ preventScroll: true });
  return true;
}

async function readPage(address) {
  try {
    const answer = await fetch(address, { cache: "no-store" });
    if (answer.redirected || !answer.ok) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch (fault) {
    return null; // the browser says it
  }
}

// --- Moving: the visit stays armed while one goes to another day, until the new time is clicked

function arm(pk) {
  const address = new URL(window.location.href);
  address.searchParams.set("moving", pk);
  address.searchParams.delete("open");
  window.location.assign(address);
}

async function putArmed(at, column) {
  const form = {
    at,
    location: box.dataset.location,
    seen_at: moving.dataset.seenAt,
    seen_with: moving.dataset.seenWith,
    [box.dataset.by]: column,
  };
  if (!(await change(addressFor(box.dataset.place, moving.dataset.pk), form, () => {}))) return;
  setAddress({ moving: null });
  moving.hidden = true;
  moving.dataset.done = "";
  calendar.setOption("pointer", false);
  await show(moving.dataset.pk);
}

/** Say why nothing happens: a visit stands there. On the visit that is moved itself it is no surprise. */
function sayTaken(pk) {
  if (!isArmed(pk)) toast(words.isTaken);
}

function isMoving() {
  return moving !== null && !("done" in moving.dataset);
}

function isArmed(pk) {
  return isMoving() && moving.dataset.pk === pk;
}

// --- Blocks

/** Give each row its names, its service and its badges. */
function readVisits(facts) {
  const visits = facts.visits.map((row) => {
    const visit = Object.fromEntries(facts.fields.map((name, place) => [name, row[place]]));
    const [service, code, css, modality] = facts.services[visit.service];
    const minutes = minutesBetween(visit.starts, visit.ends);
    const badges = visit.badges.map((place) => facts.badges[place]);
    return { ...visit, service, code, css, modality, minutes, badges, state: facts.statuses[visit.status] };
  });
  const isGhost = (visit) => visit.status === "no_show" || visit.status === "late_cancelled";
  const meets = (one, other) => one.column === other.column && one.starts < other.ends && other.starts < one.ends;
  for (const ghost of visits.filter(isGhost)) {
    ghost.isGhost = true;
    // A ghost whose time was used again shrinks to a sliver beside the visit that did.
    for (const other of visits) {
      if (!isGhost(other) && meets(ghost, other)) ghost.isSliver = other.isBeside = true;
    }
  }
  return visits;
}

function looks(visit) {
  if (visit.isGhost) return ["blk", "ghost", ...(visit.isSliver ? ["sliver"] : [])];
  const height = visit.minutes <= SHORT_MINUTES ? ["short"] : visit.minutes <= LOW_MINUTES ? ["low"] : [];
  const beside = visit.isBeside ? ["beside"] : [];
  return ["blk", `st-${visit.status.replace("_", "")}`, visit.css, ...height, ...beside];
}

function px(minutes) {
  return `${(minutes / 30) * SLOT_PX}px`;
}

function asEvent(visit) {
  return {
    id: String(visit.pk),
    resourceId: String(visit.column),
    allDay: false,
    start: visit.starts,
    end: visit.ends,
    editable: visit.can_move,
    startEditable: visit.can_move,
    durationEditable: visit.can_move,
    classNames: looks(visit),
    styles: visit.isGhost
      ? []
      : [`--before: ${px(visit.minutes_before)}`, `--after: ${px(visit.minutes_after)}`],
    extendedProps: { visit },
  };
}

function asShade([column, starts, ends, said, isBreak]) {
  return {
    id: `off-${column}-${starts}-${ends}-${said}`,
    resourceId: String(column),
    allDay: false,
    start: starts,
    end: ends,
    display: "background",
    classNames: isBreak ? ["off", "brk"] : ["off"],
    extendedProps: { said },
  };
}

/** Draw the signs; narrow columns have room for open work only, the rest is told in the panel. */
function badgesOf(visit) {
  const shown = isDense ? visit.badges.filter(([, , isOpenWork]) => isOpenWork) : visit.badges;
  const drawn = shown.map(([name, said, isOpenWork]) => {
    const badge = node("span", isOpenWork ? "bd todo" : "bd", icon(name));
    badge.title = said;
    return badge;
  });
  if (visit.is_new) drawn.unshift(node("span", "bd new", words.new));
  return node("span", "blk-badges", ...drawn);
}

function contentOf({ event }) {
  const { visit, said } = event.extendedProps;
  if (visit === undefined) return { domNodes: said ? [node("span", "", said)] : [] };
  if (visit.isSliver) return { domNodes: [icon("calendar-x")] };
  const parts = [node("span", "blk-name", visit.name)];
  const badges = visit.isGhost ? "" : badgesOf(visit);
  const isShort = visit.minutes <= SHORT_MINUTES;
  const isLow = visit.minutes <= LOW_MINUTES;
  if (!isShort) {
    const minutes = isLow || isDense ? String(visit.minutes) : fill(words.minutes, visit.minutes);
    const code = visit.isGhost ? "" : node("span", "code", visit.code);
    const who = visit.with_whom ? `${visit.with_whom}, ` : "";
    parts.push(node("span", "blk-meta", code, node("span", "", who + (visit.note || minutes)), isLow || isDense ? badges : ""));
  }
  if (isShort || !(isLow || isDense)) parts.push(badges);
  return { domNodes: parts.filter((part) => part !== "") };
}

function nameOf(visit) {
  const signs = visit.badges.map(([, said]) => said);
  const state = [visit.state, visit.note, visit.is_new ? words.new : "", ...signs];
  const said = [visit.name, `${visit.starts.slice(11)}–${visit.ends.slice(11)}`, visit.with_whom, visit.modality];
  return [...said, ...new Set(state)].filter(Boolean).join(", ");
}

function nameBlock({ event, el }) {
  const { visit } = event.extendedProps;
  if (visit === undefined) return;
  el.dataset.block = visit.pk;
  el.setAttribute("aria-label", nameOf(visit));
  if (visit.isSliver) el.title = `${visit.name}, ${visit.note}`;
  el.classList.toggle("is-selected", String(visit.pk) === openVisit() || isArmed(String(visit.pk)));
}

// --- The calendar itself

let calendar = null;
const weekday = new Intl.DateTimeFormat(document.documentElement.lang, { weekday: "short" });
let drawn = new Map();
let folded = new Map(); // by day, the columns of those who are off
let etag;
let isBusy = false; // somebody drags

function eventsOf(facts) {
  const shades = facts.shades.filter(([column, starts]) => !folded.get(starts.slice(0, 10))?.has(column));
  return [...readVisits(facts).map(asEvent), ...shades.map(asShade)];
}

/** In a week of many columns, fold away on each day those who are off; where all are, the first one stays. */
function fold(facts) {
  const columns = facts.columns.map(([pk]) => pk);
  const isFolding = isDense && !isNarrow && columns.length > 1;
  const days = isFolding ? shownDays(facts) : [];
  folded = new Map(days.map((day) => {
    const off = columns.filter((pk) => facts.daysOff[day]?.includes(pk));
    return [day, new Set(off.length < columns.length ? off : off.slice(1))];
  }));
  const widths = days.flatMap((day) => columns.map((pk) => (folded.get(day).has(pk) ? "0" : DENSE_WIDTH)));
  box.classList.toggle("is-folding", isFolding);
  box.style.setProperty("--columns", widths.join(" "));
}

function shownDays(facts) {
  return [0, 1, 2, 3, 4, 5, 6]
    .map((number) => new Date(Date.parse(`${facts.first}T00:00Z`) + number * 86400000))
    .filter((day) => !facts.hidden.includes(day.getUTCDay()))
    .map((day) => day.toISOString().slice(0, 10));
}

/** Name a day of the week, and say how many are off. */
function headOfDay(date) {
  const off = folded.get(wall(date).slice(0, 10))?.size;
  const day = `${weekday.format(date)} ${date.getDate()}`;
  return off ? `${day}, ${fill(words.off, off)}` : day;
}

function resourcesOf(facts) {
  const all = facts.columns.map(([pk, title, detail, hasLeft]) => ({
    id: String(pk),
    title,
    extendedProps: { detail, hasLeft },
  }));
  if (!isNarrow || all.length < 2) return all;
  // On a phone one at a time; the menu goes to the others.
  const one = all.find((column) => column.id === box.dataset.own) ?? all[0];
  const menu = document.getElementById("of");
  if (menu !== null) menu.value = one.id;
  return [one];
}

function headOf({ resource }) {
  const { detail, hasLeft } = resource.extendedProps;
  const title = node("b", "", resource.title);
  title.title = resource.title;
  return { domNodes: [title, hasLeft ? node("span", "pill todo", words.hasLeft) : node("small", "", detail)] };
}

function draw(facts) {
  fold(facts);
  const events = eventsOf(facts);
  drawn = new Map(events.map((event) => [event.id, JSON.stringify(event)]));
  const columns = resourcesOf(facts);
  box.classList.toggle("is-dense", isDense);
  calendar = EventCalendar.create(box, {
    view: isWeek ? "resourceTimeGridWeek" : "resourceTimeGridDay",
    date: facts.first,
    timeZone: facts.offset,
    firstDay: 1,
    hiddenDays: isWeek ? facts.hidden : [],
    headerToolbar: { start: "", center: "", end: "" },
    height: "100%",
    allDaySlot: false,
    datesAboveResources: isWeek,
    columnWidth: isDense && columns.length > 1 ? DENSE_WIDTH : "minmax(128px, 1fr)",
    dayHeaderFormat: headOfDay,
    slotDuration: "00:30",
    slotLabelInterval: "01:00",
    slotLabelFormat: (time) => `${time.getHours()}:00`,
    slotHeight: SLOT_PX,
    slotMinTime: `${facts.hours[0]}:00`,
    slotMaxTime: `${facts.hours[1]}:00`,
    scrollTime: `${facts.hours[0]}:00`,
    slotEventOverlap: false,
    snapDuration: "00:15",
    nowIndicator: true,
    pointer: isMoving(),
    resources: columns,
    resourceLabelContent: headOf,
    events,
    eventContent: contentOf,
    eventDidMount: nameBlock,
    eventClick: ({ event }) => (isMoving() ? sayTaken(event.id) : show(event.id)),
    dateClick: ({ dateStr, resource }) => (isMoving() ? putArmed : bookAt)(dateStr.slice(0, 16), resource.id),
    eventDragStart: () => (isBusy = true),
    eventDragStop: () => (isBusy = false),
    eventResizeStart: () => (isBusy = true),
    eventResizeStop: () => (isBusy = false),
    eventDrop: putDragged,
    eventResize: changeLength,
  });
  requestAnimationFrame(() => stampNow());
}

function bookAt(at, column) {
  const asked = { on: at.slice(0, 10), at, location: box.dataset.location, [box.dataset.by]: column };
  window.location.assign(`${box.dataset.new}?${new URLSearchParams(asked)}`);
}

function putDragged({ event, oldEvent, revert }) {
  const { visit } = event.extendedProps;
  const form = {
    at: wall(event.start),
    location: box.dataset.location,
    seen_at: wall(oldEvent.start),
    seen_with: visit.therapist,
    [box.dataset.by]: event.resourceIds[0],
  };
  change(addressFor(box.dataset.place, event.id), form, revert);
}

function changeLength({ event, revert }) {
  const minutes = minutesBetween(wall(event.start), wall(event.end));
  change(addressFor(box.dataset.length, event.id), { minutes }, revert);
}

/** Draw what has changed, and nothing else: what stays is not touched, so nothing flickers and no focus is lost. */
function redraw(facts) {
  const focused = document.activeElement?.closest?.("[data-block]")?.dataset.block;
  fold(facts);
  calendar.setOption("dayHeaderFormat", (date) => headOfDay(date));
  document.getElementById("off").textContent = facts.off;
  const events = new Map(eventsOf(facts).map((event) => [event.id, event]));
  const before = JSON.stringify(calendar.getOption("resources").map(({ id, title }) => [id, title]));
  const columns = resourcesOf(facts);
  if (JSON.stringify(columns.map(({ id, title }) => [id, title])) !== before) calendar.setOption("resources", columns);
  // A page that stays open over the night in which the clocks change.
  if (calendar.getOption("timeZone") !== facts.offset) calendar.setOption("timeZone", facts.offset);
  calendar.setOption("slotMinTime", `${facts.hours[0]}:00`);
  calendar.setOption("slotMaxTime", `${facts.hours[1]}:00`);
  const open = openVisit();
  let isOpenChanged = false;
  for (const id of drawn.keys()) if (!events.has(id)) calendar.removeEventById(id);
  for (const [id, event] of events) {
    const said = JSON.stringify(event);
    if (drawn.get(id) === said) continue;
    if (drawn.has(id)) calendar.updateEvent(event);
    else calendar.addEvent(event);
    isOpenChanged ||= id === open;
  }
  drawn = new Map([...events].map(([id, event]) => [id, JSON.stringify(event)]));
  if (isOpenChanged) showAgain();
  if (focused) requestAnimationFrame(() => document.querySelector(`[data-block="${focused}"]`)?.focus());
}

function redrawRail(facts) {
  const rail = document.getElementById("rail");
  document.getElementById("summary").textContent = facts.summary;
  if (rail === null) return;
  const focused = rail.contains(document.activeElement) ? document.activeElement.id : "";
  rail.innerHTML = facts.rail;
  if (focused) document.getElementById(focused)?.focus();
}

/** The line of now, which the calendar draws and moves, says which time it is; an hour beside it stands back. */
function stampNow(time = document.getElementById("updated").dataset.at) {
  const line = box.querySelector(".ec-now-indicator");
  if (line === null) return;
  line.dataset.time = time;
  if (isWeek) return; // there it says nothing
  const at = line.getBoundingClientRect().top;
  for (const label of box.querySelectorAll(".ec-body .ec-sidebar time")) {
    const { top, bottom } = label.getBoundingClientRect();
    label.classList.toggle("is-behind", Math.abs((top + bottom) / 2 - at) < NOW_LABEL_PX);
  }
}

// --- What others changed meanwhile

let asking = Promise.resolve();

function refresh() {
  asking = asking.then(lookAgain, lookAgain);
  return asking;
}

/** Read the list again, which the server draws. */
async function redrawList() {
  const page = await readPage(window.location.href);
  if (page === null) return;
  const focused = shown.contains(document.activeElement) ? document.activeElement.id : "";
  shown.replaceChildren(...page.getElementById("day-list").childNodes);
  if (focused) document.getElementById(focused)?.focus();
}

async function lookAgain() {
  if (shown === null) return; // nobody works that day
  const day = shown;
  let answer;
  try {
    answer = await fetch(shown.dataset.visits, { headers: { "If-None-Match": etag }, cache: "no-store" });
  } catch (fault) {
    return; // the line is down; the time that was last told stays
  }
  if (answer.redirected || answer.status === 404) {
    window.location.reload();
    return;
  }
  if (answer.status === 200) {
    const facts = await answer.json();
    if (isBusy || day !== shown) return;
    etag = answer.headers.get("ETag");
    redrawRail(facts);
    if (box === null) await redrawList();
    else redraw(facts);
  } else if (answer.status !== 304) return;
  if (box === null || day !== shown) return;
  const updated = document.getElementById("updated");
  updated.textContent = fill(words.updated, answer.headers.get("Updated"));
  stampNow(answer.headers.get("Updated"));
}

function begin() {
  calendar = null;
  isBusy = false;
  etag = shown?.dataset.etag;
  if (box !== null && window.EventCalendar) draw(readJson("calendar-facts"));
}

function refreshWhereSeen() {
  if (shown !== null && !isBusy && document.visibilityState === "visible") refresh();
}

begin();
setInterval(refreshWhereSeen, LOOK_AGAIN_MS);
document.addEventListener("visibilitychange", refreshWhereSeen);
