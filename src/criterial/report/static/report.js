"use strict";
// Every text goes into the page as a text node: a response cannot bring markup along.
const data = JSON.parse(document.getElementById("data").textContent);
const systemNames = [...new Set(data.rows.map((r) => r.system))].sort();
// All scores of a run share one scale: 0 to 1, and as much more as their bounds need.
const scale = data.rows.reduce(([a, b], r) => [Math.min(a, r.low), Math.max(b, r.high)], [0, 1]);
const page = { size: 40, at: 0, system: "", search: "", order: "given" };

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

function tile(name, value) { return el("div", { class: "tile" }, el("b", {}, value), el("span", { class: "soft" }, name)); }

function summary() {
  const v = data.verdicts, u = data.usage;
  const tiles = [tile("verdicts decided", v.decided), tile("abstained", v.abstained), tile("not applicable", v.not_applicable), tile("failed", v.failed),
    tile("calls", u.calls), tile("tokens", u.tokens.toLocaleString("en")), tile("cost", u.money === null ? "not known" : "$" + u.money.toFixed(4))];
  const notes = data.notes.map((n) => el("div", { class: "note" }, el("b", {}, "Mind: "), n.message, " ", n.hint.slice(0, 1).toUpperCase() + n.hint.slice(1) + "."));
  if (data.stopped) notes.unshift(el("div", { class: "note" }, el("b", {}, "Not complete: "), data.stopped, ". Run the same command again to go on."));
  if (data.lost.length) notes.push(el("div", { class: "note" }, `${data.lost.length} calls were in flight when an earlier sitting was cut off; they may have been paid and were asked again.`));
  return [el("h1", {}, `Run ${data.run}`), el("div", { class: "soft" }, `judged by ${data.judge}`), notes, el("div", { class: "tiles" }, tiles)];
}

function systems() {
  const head = ["system", "mean", "95 % interval", "", "if all missing fail / pass", "pooled", "decided", "responses"].map((h) => el("th", {}, h));
  const rows = data.systems.map((s) => el("tr", {},
    el("td", {}, s.name || "(unnamed)"), el("td", { class: "num" }, fixed(s.mean.value)),
    el("td", {}, s.mean.low === null ? s.mean.method : `${fixed(s.mean.low)} to ${fixed(s.mean.high)}`), el("td", {}, interval(s.mean, s.low, s.high, 220, scale)),
    el("td", {}, `${fixed(s.low)} / ${fixed(s.high)}`), el("td", { class: "num", title: s.pooled.low === null ? s.pooled.method : `${fixed(s.pooled.low)} to ${fixed(s.pooled.high)}` }, fixed(s.pooled.value)), el("td", { class: "num" }, percent(s.coverage)),
    el("td", { class: "num" }, s.responses + (s.unscored ? ` (${s.unscored} without a score)` : ""))));
  const how = [...new Set(data.systems.map((s) => s.mean.method))].join("; ");
  return [el("h2", {}, "Systems"), el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows))), el("div", { class: "soft" }, `Intervals: ${how}. Thick: 95 % interval; thin: where the mean can be, whatever the missing verdicts are. Pooled: points earned over points possible, all decided verdicts together.`)];
}

function parts() {
  if (!data.parts.length) return [];
  const names = [...new Set(data.parts.map((p) => p.part))], by = new Map(data.parts.map((p) => [`${p.system}\n${p.part}`, p.mean]));
  const head = ["part", ...data.systems.map((s) => s.name || "(unnamed)")].map((h) => el("th", {}, h));
  const rows = names.map((name) => el("tr", {}, el("td", {}, name), data.systems.map((s) => {
    const mean = by.get(`${s.name}\n${name}`);
    return el("td", { title: mean ? `n = ${mean.n}, ${mean.method}` : "nothing decided" }, mean ? [fixed(mean.value, 2), mean.low === null ? "" : el("span", { class: "soft" }, ` [${fixed(mean.low, 2)}, ${fixed(mean.high, 2)}]`)] : "–");
  })));
  return [el("details", names.length <= 12 ? { open: "" } : {}, el("summary", {}, "Parts of the rubrics: required and optional, categories, tiers, turns"), el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows))))];
}

function causes() {
  if (!data.causes.length) return [];
  return [el("h2", {}, "Not decided"), el("table", {}, el("tbody", {}, data.causes.map(([c, n, says]) => el("tr", {}, el("td", { class: "num" }, n), el("td", {}, c), el("td", { class: "soft" }, says)))))];
}

function shade(credit, fault) {
  // Blue is what the rubric wants, orange what it does not: of a fault that it is met.
  const good = fault ? 1 - credit : credit, strength = Math.abs(good - 0.5) * 1.5 + 0.1;
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
  return [el("h3", {}, `Criterion ${c.id}`), el("div", { class: "soft" }, facts), el("pre", {}, c.text)];
}

function openCell(row, column) {
  const cell = row.cells[column], c = data.rubrics[row.rubric].criteria[column];
  const verdicts = cell[3].map(([layer, value, cause, reason, probs]) => [
    el("h3", {}, `${layer < 0 ? "check" : data.layers[layer]}: ${value}${cause ? ` (${cause})` : ""}`),
    probs.length ? el("div", { class: "soft" }, `probabilities ${probs.map((p) => p.toFixed(2)).join(" / ")}`) : null,
    data.texts[reason] ? el("pre", {}, data.texts[reason]) : el("div", { class: "soft" }, "no reason was given")]);
  const split = cell[2] > 0 ? el("div", { class: "soft" }, `the repeats disagree: ${cell[2].toFixed(2)} bits`) : null;
  showPanel(el("h2", {}, `${named(row)} under ${c.id}`), split, verdicts.flat(), criterionParts(c), el("h3", {}, "Response"), el("pre", {}, data.texts[row.text]), el("h3", {}, "Task"), el("pre", {}, data.texts[data.tasks[row.task].prompt]));
}

function openRow(row) {
  const parts = Object.entries(row.parts).map(([name, [v, low, high]]) => el("tr", {}, el("td", {}, name), el("td", { class: "num" }, fixed(v)), el("td", { class: "soft" }, `${fixed(low)} to ${fixed(high)}`)));
  showPanel(el("h2", {}, named(row)), el("div", { class: "soft" }, `${row.system || "(unnamed)"} · score ${fixed(row.score)}${row.se === null ? "" : ` ± ${fixed(row.se, 2)}`} · ${percent(row.coverage)} of the weight decided${row.vetoed.length ? ` · vetoed by ${row.vetoed.join(", ")}` : ""}`),
    row.acted.length ? [el("h3", {}, "What the policy did"), el("pre", {}, row.acted.join("\n"))] : null,
    parts.length ? el("table", {}, el("tbody", {}, parts)) : null, el("h3", {}, "Response"), el("pre", {}, data.texts[row.text]), el("h3", {}, "Task"), el("pre", {}, data.texts[data.tasks[row.task].prompt]));
}

function openCriterion(c) {
  showPanel(el("h2", {}, c.title), criterionParts(c), el("h3", {}, "Mean credit where decided"), interval(c.rate, c.rate.low, c.rate.high), el("div", {}, `${fixed(c.rate.value)}${c.rate.low === null ? ` (${c.rate.method})` : ` [${fixed(c.rate.low)}, ${fixed(c.rate.high)}], ${c.rate.method}`}; ${c.decided} decided, ${c.open} open`));
}

function chosenRows() {
  const wanted = page.search.toLowerCase();
  const rows = data.rows.filter((r) => (page.system === "" || r.system === systemNames[page.system]) && (!wanted || `${r.id} ${r.system} ${data.tasks[r.task].id} ${data.texts[r.text]}`.toLowerCase().includes(wanted)));
  const spread = (r) => Math.max(0, ...r.cells.map((c) => c[2]));
  const keys = { lowest: (r) => r.score ?? Infinity, highest: (r) => -(r.score ?? -Infinity), undecided: (r) => r.coverage, split: (r) => -spread(r) };
  return page.order === "given" ? rows : [...rows].sort((a, b) => { const x = keys[page.order](a), y = keys[page.order](b); return x < y ? -1 : x > y ? 1 : 0; });
}

function criteriaTable(rubric) {
  const rows = rubric.criteria.map((c) => el("tr", {}, el("td", {}, c.id), el("td", { class: "num" }, c.weight), el("td", {}, interval(c.rate, c.rate.low, c.rate.high, 140)),
    el("td", {}, c.rate.value === null ? "–" : fixed(c.rate.value, 2) + (c.rate.low === null ? "" : ` [${fixed(c.rate.low, 2)}, ${fixed(c.rate.high, 2)}]`)), el("td", { class: "num" }, c.decided), el("td", { class: "num" }, c.open), el("td", {}, c.text.length > 160 ? c.text.slice(0, 160) + "…" : c.text)));
  const head = ["criterion", "weight", "mean credit", "", "decided", "open", "text"].map((h) => el("th", {}, h));
  return el("details", {}, el("summary", {}, "Criteria and how often they are met"), el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows))));
}

function heatmap() {
  const rows = chosenRows(), shown = rows.slice(page.at * page.size, (page.at + 1) * page.size), groups = [];
  for (const row of shown) {
    const last = groups[groups.length - 1];
    if (last && last.rubric === row.rubric) last.rows.push(row); else groups.push({ rubric: row.rubric, rows: [row] });
  }
  const tables = groups.map((g) => {
    const rubric = data.rubrics[g.rubric];
    const head = el("tr", {}, el("th", {}, ""), rubric.criteria.map((c) => el("th", { class: "col", scope: "col" }, el("button", { title: c.text, on: { click: () => openCriterion(c) } }, c.title))), el("th", {}, ""));
    const rates = el("tr", { class: "rates soft" }, el("td", { class: "who" }, "mean credit"), rubric.criteria.map((c) => el("td", {}, c.rate.value === null ? "–" : percent(c.rate.value))), el("td", {}));
    const body = g.rows.map((row) => el("tr", {},
      el("td", { class: "who" }, el("button", { title: `${data.tasks[row.task].id} / ${row.id}`, on: { click: () => openRow(row) } }, named(row))),
      row.cells.map((cell, i) => {
        const [state, credit] = cell, c = rubric.criteria[i];
        const label = { decided: credit === 1 ? "✓" : credit === 0 ? "·" : fixed(credit, 2), abstained: "?", not_applicable: "", failed: "✕" }[state];
        const says = `${c.title}: ${state === "decided" ? cell[3].map((l) => l[1]).join(", ") : state}`;
        return el("td", { class: "cell" }, el("button", { class: state, title: says, "aria-label": says, ...(state === "decided" ? { fill: shade(credit, c.fault) } : {}), on: { click: () => openCell(row, i) } }, label));
      }),
      el("td", { class: "score" }, interval({ value: row.score, low: null, high: null }, row.low, row.high, 120, scale), " ", el("b", {}, fixed(row.score, 2)))));
    return [el("h3", {}, rubric.title || rubric.id || data.tasks[g.rows[0].task].id), el("div", { class: "scroll" }, el("table", { class: "map" }, el("thead", {}, head), el("tbody", {}, rates, body))), criteriaTable(rubric)];
  });
  const last = Math.max(0, Math.ceil(rows.length / page.size) - 1);
  const move = (to) => { page.at = Math.max(0, Math.min(last, to)); draw(); };
  const pager = el("div", { class: "controls" }, el("button", { ...(page.at === 0 ? { disabled: "" } : {}), on: { click: () => move(page.at - 1) } }, "Back"), el("span", {}, `${rows.length} responses, page ${page.at + 1} of ${last + 1}`), el("button", { ...(page.at >= last ? { disabled: "" } : {}), on: { click: () => move(page.at + 1) } }, "On"));
  return [pager, tables.flat()];
}

function controls() {
  const pick = (key) => ({ change: (event) => { page[key] = event.target.value; page.at = 0; draw(); } });
  const option = (value, text) => el("option", { value }, text);
  const orders = [["given", "as given"], ["lowest", "lowest score first"], ["highest", "highest score first"], ["undecided", "least decided first"], ["split", "most disagreement first"]];
  return el("div", { class: "controls" },
    el("label", {}, "System ", el("select", { on: pick("system") }, option("", "all"), systemNames.map((n, i) => option(i, n || "(unnamed)")))),
    el("label", {}, "Order ", el("select", { on: pick("order") }, orders.map(([v, t]) => option(v, t)))),
    el("label", {}, "Search ", el("input", { type: "search", on: { input: (event) => { page.search = event.target.value; page.at = 0; draw(); } } })));
}

function legend() {
  const box = (cls, fill, text) => el("span", {}, el("i", { class: cls, ...(fill ? { fill } : {}) }), text);
  return el("div", { class: "legend soft" }, box("", "rgba(var(--good), .85)", "as wanted"), box("", "rgba(var(--bad), .85)", "not as wanted"), box("abstained", "", "? abstained"), box("failed", "", "✕ failed"), el("span", {}, "blank: not applicable"), el("span", {}, "Click a cell for its reason, a name for its text."));
}

function draw() { document.getElementById("map").replaceChildren(...heatmap().flat()); }

document.getElementById("top").replaceChildren(...[summary(), systems(), parts(), causes(), el("h2", {}, "Responses and criteria"), controls(), legend()].flat(2).filter(Boolean));
draw();
