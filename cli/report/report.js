"use strict";
/* The timeline with all its rows: only those in sight are in the document. */
(() => {
  const data = JSON.parse(document.getElementById("rows").textContent);
  const FIELDS = 8, HEIGHT = 26, MARGIN = 12;
  const flat = data.r, texts = data.s, total = flat.length / FIELDS;
  const grid = document.getElementById("grid"), shown = document.getElementById("window");
  const spacer = document.getElementById("spacer"), detail = document.getElementById("detail");
  const search = document.getElementById("search"), count = document.getElementById("count");
  const chips = [...document.querySelectorAll(".tools button")];
  const CLASS = { BLOCKED: "b", FAIL: "f", TIMEOUT: "f", LIMIT: "f", ok: "k", allowed: "s" };

  const seqs = new Float64Array(total), times = new Float64Array(total);
  for (let i = 0, seq = 0, time = 0; i < total; i++) {
    seqs[i] = seq += flat[i * FIELDS];
    times[i] = time += flat[i * FIELDS + 1];
  }
  let rows = [], current = -1, first = -1, last = -1;

  const two = (n) => String(n).padStart(2, "0");
  const clock = (ms) => {
    const d = new Date(data.t + ms);
    return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}.${String(d.getUTCMilliseconds()).padStart(3, "0")}`;
  };
  const outcome = (i) => data.o[flat[i * FIELDS + 2]];
  const text = (i, field) => texts[flat[i * FIELDS + field]];
  const target = (i) => {
    const times = flat[i * FIELDS + 7];
    return text(i, 5) + (times > 1 ? `  \u00d7${times}` : "");
  };

  const cell = (row, content, name) => {
    const element = document.createElement("span");
    element.textContent = content;
    element.setAttribute("role", "gridcell");
    if (name) { element.className = name; }
    row.append(element);
  };
  const make = (at) => {
    const i = rows[at], row = document.createElement("div");
    row.className = at === current ? "row current" : "row";
    row.id = `row-${at}`;
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", at + 1);
    row.dataset.at = at;
    cell(row, seqs[i], "s");
    cell(row, clock(times[i]), "s");
    cell(row, outcome(i), CLASS[outcome(i)] || "");
    cell(row, text(i, 3), "s");
    cell(row, text(i, 4));
    cell(row, target(i) + (text(i, 6) ? `   ${text(i, 6)}` : ""));
    return row;
  };
  const draw = (force) => {
    const from = Math.max(0, Math.floor(grid.scrollTop / HEIGHT) - MARGIN);
    const to = Math.min(rows.length, Math.ceil((grid.scrollTop + grid.clientHeight) / HEIGHT) + MARGIN);
    if (!force && from === first && to === last) { return; }
    first = from; last = to;
    const made = [];
    for (let at = from; at < to; at++) { made.push(make(at)); }
    shown.style.transform = `translateY(${from * HEIGHT}px)`;
    shown.replaceChildren(...made);
  };

  const tell = () => {
    if (current < 0) { detail.textContent = ""; return; }
    const i = rows[current];
    const lines = [`${text(i, 4)} ${target(i)}`, `${outcome(i)}  ${clock(times[i])} UTC  ${text(i, 3)}`];
    if (text(i, 6)) { lines.push(text(i, 6)); }
    lines.push(outcome(i) === "BLOCKED" ? `failcore why ${seqs[i]}` : `failcore show --seq ${seqs[i]}`);
    detail.textContent = lines.join("\n");
  };
  const choose = (at) => {
    if (rows.length === 0) { return; }
    current = Math.max(0, Math.min(rows.length - 1, at));
    const top = current * HEIGHT;
    if (top < grid.scrollTop) { grid.scrollTop = top; }
    if (top + HEIGHT > grid.scrollTop + grid.clientHeight) { grid.scrollTop = top + HEIGHT - grid.clientHeight; }
    draw(true);
    grid.setAttribute("aria-activedescendant", `row-${current}`);
    tell();
  };

  const filter = () => {
    const wanted = search.value.toLowerCase();
    const chip = chips.find((c) => c.getAttribute("aria-pressed") === "true").dataset.outcomes;
    const outcomes = data.o.map((word) => chip === "" || chip.split(" ").includes(word));
    const matches = wanted === "" ? null : texts.map((t) => t.toLowerCase().includes(wanted));
    rows = [];
    for (let i = 0, at = 0; i < total; i++, at += FIELDS) {
      if (outcomes[flat[at + 2]] && (matches === null || matches[flat[at + 3]] || matches[flat[at + 4]] ||
          matches[flat[at + 5]] || matches[flat[at + 6]])) { rows.push(i); }
    }
    current = -1;
    spacer.style.height = `${rows.length * HEIGHT}px`;
    grid.setAttribute("aria-rowcount", rows.length);
    count.textContent = rows.length === total ? `${total} rows` : `${rows.length} of ${total} rows`;
    grid.scrollTop = 0;
    draw(true);
    tell();
  };

  const keys = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity };
  grid.addEventListener("keydown", (event) => {
    if (event.key in keys) {
      event.preventDefault();
      choose(current < 0 && keys[event.key] === 1 ? 0 : current + keys[event.key]);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) { event.preventDefault(); search.focus(); }
    if (event.key === "Escape" && document.activeElement === search) { search.value = ""; filter(); grid.focus(); }
    if (event.key === "Enter" && document.activeElement === search) { grid.focus(); choose(0); }
  });
  shown.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) { choose(Number(row.dataset.at)); }
  });
  let pending = false;
  grid.addEventListener("scroll", () => {
    if (!pending) { pending = true; requestAnimationFrame(() => { pending = false; draw(false); }); }
  }, { passive: true });
  let timer;
  search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 120); });
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      for (const other of chips) { other.setAttribute("aria-pressed", String(other === chip)); }
      filter();
    });
  }
  addEventListener("resize", () => draw(true));
  document.documentElement.classList.add("scripted");
  filter();
})();
