"use strict";
// Every text goes into the page as a text node: a response cannot bring markup along.
let data, lowered;
const page = { size: 40, at: 0, system: "", criterion: "", kind: "", order: "given", search: "" };

function el(tag, attributes, ...children) {
  const svg = ["svg", "line", "circle", "text", "g", "title"].includes(tag) && attributes && attributes.ns;
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "ns") continue;
    if (key === "on") { for (const [event, call] of Object.entries(value)) node.addEventListener(event, call); continue; }
    if (key === "fill") { node.style.background = value; continue; }
    node.setAttribute(key, value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) node.append(child.nodeType ? child : document.createTextNode(String(child)));
  return node;
}
const short = (text) => (text.length > 160 ? text.slice(0, 160) + "…" : text);
const fixed = (x, digits = 3) => (x === null || x === undefined ? "–" : x.toFixed(digits));
const percent = (x) => (x === null ? "–" : Math.round(100 * x) + "\u202f%");
const shortId = (row) => { const task = data.tasks[row.task].id; return row.id.startsWith(task + "/") ? row.id.slice(task.length + 1) : row.id; };
const named = (row) => (row.system && shortId(row) !== row.system ? `${row.system} · ${shortId(row)}` : shortId(row));

function interval(figure, low, high, width = 220, [least, most] = [0, 1]) {
  // The thin line is where the figure can be whatever is missing; the thick one its 95 % interval; the dot the figure.
  const x = (v) => 4 + (width - 8) * (Math.max(least, Math.min(most, v)) - least) / (most - least);
  const parts = [el("line", { ns: 1, class: "axis", x1: x(least), x2: x(most), y1: 9, y2: 9 })];
  if (low !== null && high !== null) parts.push(el("line", { ns: 1, class: "band", x1: x(low), x2: x(high), y1: 9, y2: 9 }));
  if (figure.low !== null && figure.low !== undefined) parts.push(el("line", { ns: 1, class: "range", x1: x(figure.low), x2: x(figure.high), y1: 9, y2: 9 }));
  if (figure.value !== null) parts.push(el("circle", { ns: 1, class: "dot", cx: x(figure.value), cy: 9, r: 4 }));
  return el("svg", { ns: 1, width, height: 18, role: "img", "aria-label": `${fixed(figure.value)}, between ${fixed(low)} and ${fixed(high)}` }, parts);
}

// What the rubric wants, from 0 to 1: of a fault that it is not met.
const goodness = (credit, fault) => (fault ? 1 - credit : credit);

function shade(credit, fault) {
  const good = goodness(credit, fault), strength = Math.abs(good - 0.5) * 1.5 + 0.1;
  return `rgba(var(${good >= 0.5 ? "--good" : "--bad"}), ${strength.toFixed(2)})`;
}

function showPanel(...content) {
  const panel = document.getElementById("panel"), back = document.activeElement;
  const close = () => { panel.hidden = true; if (back) back.focus(); };
  panel.replaceChildren(el("button", { class: "close", on: { click: close } }, "Close"), ...content.flat().filter(Boolean));
  panel.hidden = false;
  // A click on the panel's text leaves the focus on the page, so the key is listened for everywhere.
  document.onkeydown = (event) => { if (event.key === "Escape" && !panel.hidden) close(); };
  panel.querySelector("button").focus();
}

function criterionParts(c) {
  const facts = [`weight ${c.weight}`, c.required ? "required" : "optional", c.effect !== "add" ? c.effect : "", c.check ? `check: ${c.check}` : "", c.category].filter(Boolean).join(" · ");
  return [el("h3", {}, `Criterion ${c.id}`), el("div", { class: "soft" }, facts), el("pre", {}, data.texts[c.text])];
}

function openCell(row, column) {
  const cell = row.cells[column], c = data.rubrics[row.rubric].criteria[column];
  const verdicts = cell[3].map(([layer, value, cause, reason, probs]) => [
    el("h3", {}, `${layer < 0 ? "check" : data.layers[layer]}: ${value}${cause ? ` (${cause})` : ""}`),
    probs.length ? el("div", { class: "soft" }, `probabilities ${probs.map((p) => p.toFixed(2)).join(" / ")}`) : null,
    data.texts[reason] ? el("pre", {}, data.texts[reason]) : el("div", { class: "soft" }, "no reason was given")]);
  const split = cell[2] > 0 ? el("div", { class: "soft" }, `the repeats disagree: ${cell[2].toFixed(2)} bits`) : null;
  showPanel(el("h2", {}, `${named(row)} under ${c.id}`), split, verdicts.length ? verdicts.flat() : el("div", { class: "soft" }, "no verdict is on record"), criterionParts(c), el("h3", {}, "Response"), el("pre", {}, data.texts[row.text]), el("h3", {}, `Task ${data.tasks[row.task].id}`), el("pre", {}, data.texts[data.tasks[row.task].prompt]));
}

function verdictTable(row) {
  const says = ([who, value, cause, reason]) => [
    el("div", {}, `${data.layers.length > 1 ? `${who < 0 ? "check" : data.layers[who]}: ` : ""}${value}${cause ? ` (${cause})` : ""}`),
    data.texts[reason] ? el("div", { class: "why" }, data.texts[reason]) : null];
  const rows = row.cells.map((cell, i) => el("tr", {}, el("th", { scope: "row" }, data.rubrics[row.rubric].criteria[i].title), el("td", {}, cell[3].length ? cell[3].flatMap(says) : "no verdict is on record")));
  return el("table", { class: "verdicts" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "criterion"), el("th", { scope: "col" }, "verdict and reason"))), el("tbody", {}, rows));
}

function openRow(row) {
  const parts = Object.entries(row.parts).map(([name, [v, low, high]]) => el("tr", {}, el("td", {}, name), el("td", { class: "num" }, fixed(v)), el("td", { class: "soft" }, `${fixed(low)} to ${fixed(high)}`)));
  showPanel(el("h2", {}, named(row)), el("div", { class: "soft" }, `${row.system || "(unnamed)"} · score ${fixed(row.score)}${row.se === null ? "" : ` ± ${fixed(row.se, 2)}`} · ${percent(row.coverage)} of the weight decided${row.vetoed.length ? ` · vetoed by ${row.vetoed.join(", ")}` : ""}`),
    row.acted.length ? [el("h3", {}, "What the policy did"), el("pre", {}, row.acted.join("\n"))] : null,
    parts.length ? el("table", {}, el("tbody", {}, parts)) : null, verdictTable(row), el("h3", {}, "Response"), el("pre", {}, data.texts[row.text]), el("h3", {}, `Task ${data.tasks[row.task].id}`), el("pre", {}, data.texts[data.tasks[row.task].prompt]));
}

function openCriterion(c) {
  showPanel(el("h2", {}, c.title), criterionParts(c), el("h3", {}, "Mean credit where decided"), interval(c.rate, c.rate.low, c.rate.high), el("div", {}, `${fixed(c.rate.value)}${c.rate.low === null ? ` (${c.rate.method})` : ` [${fixed(c.rate.low)}, ${fixed(c.rate.high)}], ${c.rate.method}`}; ${c.decided} decided, ${c.open} open`));
}

// What a verdict is to a reader who looks for the bad ones.
const kindOf = ([state, credit], c) => (state !== "decided" ? state : goodness(credit, c.fault) >= 0.5 ? "wanted" : "unwanted");

function chosenColumns() {
  // Of each rubric the columns that the criterion's box means: those of that name, or else those whose name holds its words.
  const wanted = page.criterion.trim().toLowerCase(), names = (c) => [c.id.toLowerCase(), c.title.toLowerCase()];
  const exact = data.rubrics.some((r) => r.criteria.some((c) => names(c).includes(wanted)));
  const meant = (c) => !wanted || names(c).some((name) => (exact ? name === wanted : name.includes(wanted)));
  return data.rubrics.map((r) => r.criteria.flatMap((c, i) => (meant(c) ? [i] : [])));
}

function foundTexts() {
  // Which texts hold the words searched for; null where nothing is searched.
  const wanted = page.search.toLowerCase();
  if (!wanted) return null;
  lowered = lowered || data.texts.map((text) => text.toLowerCase());
  return lowered.map((text) => text.includes(wanted));
}

function chosenRows(columns, found) {
  const wanted = page.search.toLowerCase();
  const holds = (r) => !found || found[r.text] || found[data.tasks[r.task].prompt] || r.cells.some((cell) => cell[3].some((layer) => found[layer[3]])) ||
    `${r.id} ${r.system} ${data.tasks[r.task].id}`.toLowerCase().includes(wanted);
  const has = (r) => (!page.criterion && !page.kind) || columns[r.rubric].some((i) => !page.kind || kindOf(r.cells[i], data.rubrics[r.rubric].criteria[i]) === page.kind);
  const rows = data.rows.filter((r) => (page.system === "" || r.system === data.systems[page.system]) && has(r) && holds(r));
  const keys = { lowest: (r) => r.score ?? Infinity, highest: (r) => -(r.score ?? -Infinity), undecided: (r) => r.coverage,
    failed: (r) => -r.cells.filter((cell) => cell[0] === "failed").length, split: (r) => -Math.max(0, ...r.cells.map((cell) => cell[2])) };
  if (page.order === "given") return rows;
  return rows.map((row) => [keys[page.order](row), row]).sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0)).map(([, row]) => row);
}

function criteriaTable(rubric) {
  const rows = rubric.criteria.map((c) => el("tr", {}, el("td", {}, c.id), el("td", { class: "num" }, c.weight), el("td", {}, interval(c.rate, c.rate.low, c.rate.high, 140)),
    el("td", {}, c.rate.value === null ? "–" : fixed(c.rate.value, 2) + (c.rate.low === null ? "" : ` [${fixed(c.rate.low, 2)}, ${fixed(c.rate.high, 2)}]`)), el("td", { class: "num" }, c.decided), el("td", { class: "num" }, c.open), el("td", {}, short(data.texts[c.text]))));
  const head = ["criterion", "weight", "mean credit", "", "decided", "open", "text"].map((h) => el(h ? "th" : "td", h ? { scope: "col" } : {}, h));
  return el("details", {}, el("summary", {}, "Criteria and how often they are met"), el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows))));
}

function heatmap(rows, columns, found) {
  const groups = [];
  for (const row of rows) {
    const last = groups[groups.length - 1];
    if (last && last.rubric === row.rubric) last.rows.push(row); else groups.push({ rubric: row.rubric, rows: [row] });
  }
  return groups.flatMap((g) => {
    const rubric = data.rubrics[g.rubric], one = g.rows.every((row) => row.task === g.rows[0].task);
    const name = rubric.title || rubric.id || (one ? data.tasks[g.rows[0].task].id : `${rubric.criteria.length} criteria`);
    const chosen = (i) => (page.criterion && columns[g.rubric].includes(i) ? " chosen" : "");
    const head = el("tr", {}, el("th", { scope: "col" }, "response"), rubric.criteria.map((c, i) => el("th", { class: `col${chosen(i)}`, scope: "col" }, el("button", { title: data.texts[c.text], on: { click: () => openCriterion(c) } }, c.title))), el("th", { class: "score", scope: "col" }, "score"));
    const rates = el("tr", { class: "rates soft" }, el("th", { class: "who", scope: "row" }, "mean credit"), rubric.criteria.map((c) => el("td", {}, c.rate.value === null ? "–" : percent(c.rate.value))), el("td", {}));
    const body = g.rows.map((row) => el("tr", {},
      el("th", { class: "who", scope: "row" }, el("button", { title: `${data.tasks[row.task].id} / ${row.id}`, on: { click: () => openRow(row) } }, named(row), el("span", { class: "soft" }, ` ${data.tasks[row.task].id}`))),
      row.cells.map((cell, i) => {
        const [state, credit] = cell, c = rubric.criteria[i], hit = found && cell[3].some((layer) => found[layer[3]]);
        const label = { decided: credit === 1 ? "✓" : credit === 0 ? "·" : fixed(credit, 2), abstained: "?", not_applicable: "", failed: "✕" }[state];
        const says = `${c.title}: ${state === "decided" ? cell[3].map((l) => l[1]).join(", ") : state}`;
        return el("td", { class: `cell${chosen(i)}` }, el("button", { class: state + (hit ? " found" : ""), title: says, "aria-label": says, ...(state === "decided" ? { fill: shade(credit, c.fault) } : {}), on: { click: () => openCell(row, i) } }, label));
      }),
      el("td", { class: "score" }, interval({ value: row.score, low: null, high: null }, row.low, row.high, 120, data.scale), " ", el("b", {}, fixed(row.score, 2)))));
    return [el("h3", {}, name), el("div", { class: "scroll" }, el("table", { class: "map", "aria-label": name }, el("thead", {}, head), el("tbody", {}, rates, body))), criteriaTable(rubric)];
  });
}

function controls() {
  const pick = (key, event = "change") => ({ [event]: (e) => { page[key] = e.target.value; page.at = 0; draw(); } });
  const choice = (name, key, options) => el("label", {}, `${name} `, el("select", { on: pick(key) }, options.map(([value, text]) => el("option", { value }, text))));
  const kinds = [["", "any"], ["unwanted", "not as wanted"], ["wanted", "as wanted"], ["failed", "failed"], ["abstained", "abstained"], ["not_applicable", "not applicable"]];
  const orders = [["given", "as given"], ["lowest", "lowest score first"], ["highest", "highest score first"], ["failed", "most failed first"], ["undecided", "least decided first"], ["split", "most disagreement first"]];
  const titles = [...new Set(data.rubrics.flatMap((r) => r.criteria.map((c) => c.title)))];
  return el("div", { class: "controls", role: "search", "aria-label": "Responses" },
    choice("System", "system", [["", "all"], ...data.systems.map((name, i) => [i, name || "(unnamed)"])]),
    choice("Order", "order", orders),
    el("label", {}, "Criterion ", el("input", { type: "text", list: "criteria", placeholder: "any", on: pick("criterion", "input") })),
    el("datalist", { id: "criteria" }, titles.map((title) => el("option", { value: title }))),
    choice("Verdict", "kind", kinds),
    el("label", {}, "Search ", el("input", { type: "search", placeholder: "texts, reasons, names", on: pick("search", "input") })));
}

function legend() {
  const box = (cls, fill, text) => el("span", {}, el("i", { class: cls, ...(fill ? { fill } : {}) }), text);
  return el("div", { class: "legend soft" }, box("", "rgba(var(--good), .85)", "as wanted"), box("", "rgba(var(--bad), .85)", "not as wanted"), box("abstained", "", "? abstained"), box("failed", "", "✕ failed"), el("span", {}, "blank: not applicable"), el("span", {}, "Click a cell for its reason, a name for its text and all its verdicts."));
}

function draw() {
  const columns = chosenColumns(), found = foundTexts(), rows = chosenRows(columns, found), last = Math.max(0, Math.ceil(rows.length / page.size) - 1);
  page.at = Math.max(0, Math.min(last, page.at));
  const back = document.getElementById("back"), on = document.getElementById("on"), to = document.getElementById("to"), pressed = document.activeElement;
  back.disabled = page.at === 0; on.disabled = page.at >= last;
  to.max = last + 1; to.value = page.at + 1;
  // A button that has just become useless hands the focus to the other, so that the keyboard stays here.
  if (pressed === on && on.disabled) back.focus(); else if (pressed === back && back.disabled) on.focus();
  document.getElementById("where").textContent = `${rows.length.toLocaleString("en")} responses, page ${page.at + 1} of ${last + 1}`;
  document.getElementById("rows").replaceChildren(...heatmap(rows.slice(page.at * page.size, (page.at + 1) * page.size), columns, found));
}

function move(to) {
  page.at = to;
  draw();
  const map = document.getElementById("map");
  if (map.getBoundingClientRect().top < 0) map.scrollIntoView();
}

function pager() {
  return el("div", { class: "controls pager", role: "navigation", "aria-label": "Pages" },
    el("button", { id: "back", on: { click: () => move(page.at - 1) } }, "Back"), el("span", { id: "where", "aria-live": "polite" }),
    el("button", { id: "on", on: { click: () => move(page.at + 1) } }, "On"),
    el("label", {}, "Go to page ", el("input", { id: "to", type: "number", min: 1, on: { change: (e) => move((Math.round(Number(e.target.value)) || 1) - 1) } })));
}

async function unpacked(base64) {
  const letters = atob(base64), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
}

async function start(map) {
  const packed = document.getElementById("data");
  map.setAttribute("aria-busy", "true");
  map.textContent = "Unpacking the verdicts …";
  try {
    data = await unpacked(packed.textContent);
    packed.textContent = "";
    data.systems = [...new Set(data.rows.map((r) => r.system))].sort();
    document.getElementById("controls").replaceChildren(controls(), legend());
    map.replaceChildren(pager(), el("div", { id: "rows" }));
    draw();
  } catch (fault) {
    map.textContent = `The verdicts cannot be shown (${fault}). A browser of 2023 or later unpacks them.`;
  }
  map.removeAttribute("aria-busy");
}

start(document.getElementById("map"));
