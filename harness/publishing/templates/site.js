/* Brings the tables and charts of a page to life. All of them are there without it. */
"use strict";
(() => {
  const MOST_COMPARED = 8;
  const PAGE = 25;
  const MISSING = "1e308";
  const HIDDEN_AT_FIRST = ["scope", "schedule", "retained_per_ms_saved", "retained", "fps"];
  const chartsSource = document.currentScript.dataset.charts;
  const tables = new Map();
  const views = [];
  let restoring = false;

  const made = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) element.setAttribute(name, "");
      else if (value !== false) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  const say = (text) => { document.getElementById("spoken").textContent = text; };

  async function copy(text, what) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = made("textarea", { readonly: true, "aria-label": "text to copy" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say(`${what} copied`);
  }

  /* The address holds, for each table: q (text), o (sorting), h (hidden), s (chosen), f.COLUMN (facets). */
  const readAddress = () => new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");

  function writeAddress() {
    if (restoring) return;
    const state = new URLSearchParams();
    for (const [id, own] of tables) own.save((name, value) => state.set(`${id}.${name}`, value));
    const text = state.toString();
    const anchor = location.hash.startsWith("#?") ? "" : location.hash;
    history.replaceState(null, "", text ? `#?${text}` : anchor || location.pathname + location.search);
  }

  for (const [direction, sign] of [["asc", 1], ["desc", -1]]) {
    DataTable.ext.type.order[`missing-last-${direction}`] = (one, other) => {
      if (one === other) return 0;
      if (one === MISSING || other === MISSING) return one === MISSING ? 1 : -1;
      return sign * (Number(one) - Number(other));
    };
  }

  class LiveTable {
    constructor(element) {
      this.element = element;
      this.names = [...element.tHead.rows[0].cells].map((cell) => cell.dataset.name);
      this.headers = [...element.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
      this.facets = element.dataset.facets.split(" ").filter(Boolean);
      this.selects = new Map();
      this.toggles = new Map();
      this.chosen = new Set();
      this.compares = Boolean(document.getElementById("compare")) && element.id === "entries";
      if (this.compares) this.addBoxes();
      const rest = document.getElementById(`rest-${element.id}`);
      if (rest) this.addRest(JSON.parse(rest.textContent));
      this.shift = this.compares ? 1 : 0;
      const long = element.tBodies[0].rows.length > 2 * PAGE;
      this.table = new DataTable(element, {
        order: [],
        autoWidth: false,
        paging: long,
        pageLength: PAGE,
        lengthMenu: [PAGE, 100, 500, { label: "all", value: -1 }],
        layout: { topStart: null, topEnd: null, bottomStart: "info", bottomEnd: long ? ["pageLength", "paging"] : null },
        columnDefs: [...this.missingLast(), ...(this.compares ? [{ targets: 0, orderable: false, searchable: false }] : [])],
        language: { zeroRecords: "Nothing matches: clear a filter to see lines again.", emptyTable: "There is nothing here." },
      });
      this.addControls();
      this.initial = this.saved();
      this.labelPages();
      this.table.on("draw", () => {
        this.labelPages();
        writeAddress();
        say(`${this.table.rows({ search: "applied" }).count()} of ${this.table.rows().count()} lines`);
      });
    }

    /* What was not measured stands last, whichever way a column is sorted. */
    missingLast() {
      const numbers = [...this.element.tHead.rows[0].cells].map((_, number) => number);
      const rows = [...this.element.tBodies[0].rows];
      const targets = numbers.filter((number) => rows.some((row) => row.cells[number]?.dataset.order === MISSING));
      return targets.length ? [{ targets, type: "missing-last" }] : [];
    }

    /* So that several tables of a page are told apart. */
    labelPages() {
      const pages = this.table.table().container().querySelector("nav");
      pages?.setAttribute("aria-label", `Pages of the table: ${this.element.caption.textContent}`);
    }

    /* Lines that stand in the page as data: a cell is its text, or that and the number that sorts it. */
    addRest(lines) {
      const body = this.element.tBodies[0];
      for (const line of lines) {
        body.append(made("tr", {}, ...line.map((cell) => (Array.isArray(cell) ? made("td", { "data-order": cell[1] }, cell[0]) : made("td", {}, cell)))));
      }
    }

    addBoxes() {
      this.element.tHead.rows[0].prepend(made("th", { scope: "col" }, "compare"));
      const board = this.names.indexOf("board");
      for (const row of this.element.tBodies[0].rows) {
        /* What all lines share has no column. */
        row.dataset.line = [row.dataset.subject, ...(board < 0 ? [] : [row.cells[board].textContent.trim()])].join(" @ ");
        const box = made("input", { type: "checkbox", "aria-label": `Compare ${row.dataset.line}` });
        box.addEventListener("change", () => this.choose(row, box.checked));
        row.prepend(made("td", {}, box));
      }
    }

    line(row) { return row.dataset.line; }

    choose(row, on) {
      const line = this.line(row);
      if (on && this.chosen.size >= MOST_COMPARED) {
        row.querySelector("input").checked = false;
        say(`At most ${MOST_COMPARED} lines are compared`);
        return;
      }
      if (on) this.chosen.add(line); else this.chosen.delete(line);
      row.classList.toggle("chosen", on);
      this.showCompared();
      writeAddress();
    }

    chosenRows() {
      const rows = this.table.rows().nodes().toArray();
      return [...this.chosen].map((line) => rows.find((row) => row.dataset.line === line)).filter(Boolean);
    }

    showCompared() {
      const rows = this.chosenRows();
      const section = document.getElementById("compare");
      section.hidden = rows.length === 0;
      const table = section.querySelector("table");
      table.replaceChildren();
      if (rows.length) {
        const texts = rows.map((row) => this.texts(row));
        this.headers.forEach((header, number) => {
          if (texts.some((own) => own[number] !== "-")) {
            const cells = texts.map((own) => made(number ? "td" : "th", number ? {} : { scope: "col" }, own[number]));
            table.append(made("tr", {}, made("th", { scope: "row" }, header), ...cells));
          }
        });
      }
      emphasise([...new Set(rows.map((row) => row.dataset.subject))]);
    }

    /* Texts of a row as the page has them, hidden columns too. */
    texts(row) {
      const index = this.table.row(row).index();
      return this.names.map((_, number) => this.text(index, number));
    }

    text(index, number) {
      return this.table.cell(index, number + this.shift).node().textContent.trim();
    }

    showAll() {
      this.shownBefore = this.table.page.len();
      this.table.page.len(-1).draw();
    }

    showPages() {
      this.table.page.len(this.shownBefore).draw();
    }

    addControls() {
      const controls = made("div", { class: "controls", role: "group", "aria-label": `Controls of the table: ${this.element.caption.textContent}` });
      this.search = made("input", { type: "search", placeholder: "any word" });
      this.search.addEventListener("input", () => this.table.search(this.search.value).draw());
      controls.append(made("label", {}, "Filter", this.search));
      for (const facet of this.facets) controls.append(this.facet(facet));
      controls.append(this.columnChoice());
      controls.append(this.button("Copy link", () => copy(location.href, "Link")));
      controls.append(this.button("Copy as LaTeX", () => copy(this.latex(), "LaTeX")));
      controls.append(this.button("Clear", () => this.restore(this.initial)));
      this.element.closest(".scroll").before(controls);
    }

    button(text, act) {
      const button = made("button", { type: "button" }, text);
      button.addEventListener("click", act);
      return button;
    }

    facet(name) {
      const number = this.names.indexOf(name);
      const values = new Set();
      this.table.column(number + this.shift).nodes().each((cell) => values.add(cell.textContent.trim()));
      const select = made("select", {}, made("option", { value: "" }, "all"));
      for (const value of [...values].sort()) select.append(made("option", { value }, value));
      select.addEventListener("change", () => { this.applyFacet(name, select.value); this.table.draw(); });
      this.selects.set(name, select);
      return made("label", {}, this.headers[number], select);
    }

    applyFacet(name, value) {
      const number = this.names.indexOf(name);
      const isOfValue = (_text, _data, index) => this.text(index, number) === value;
      /* A search by function: no value of a plugin is read as a pattern. */
      this.table.search.fixed(`facet-${name}`, value === "" ? null : isOfValue);
      this.selects.get(name).value = value;
    }

    columnChoice() {
      const list = made("div");
      this.names.forEach((name, number) => {
        const box = made("input", { type: "checkbox" });
        box.checked = !(this.compares && HIDDEN_AT_FIRST.includes(name));
        if (!box.checked) this.table.column(number + this.shift).visible(false);
        box.addEventListener("change", () => { this.table.column(number + this.shift).visible(box.checked); writeAddress(); });
        this.toggles.set(name, box);
        list.append(made("label", {}, box, this.headers[number]));
      });
      return made("details", {}, made("summary", {}, "Columns"), list);
    }

    latex() {
      const shown = this.names.map((_, number) => number).filter((number) => this.table.column(number + this.shift).visible());
      const escaped = (text) => text.replace(/[\\&%$#_{}~^<>]/g, (sign) => ({ "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\ensuremath{<}", ">": "\\ensuremath{>}" })[sign] ?? `\\${sign}`);
      const line = (texts) => `${texts.map(escaped).join(" & ")} \\\\`;
      const lines = [];
      this.table.rows({ search: "applied", order: "applied" }).indexes().each((index) => lines.push(line(shown.map((number) => this.text(index, number)))));
      return ["\\begin{tabular}{" + "l".repeat(shown.length) + "}", "\\toprule", line(shown.map((number) => this.headers[number])), "\\midrule", ...lines, "\\bottomrule", "\\end{tabular}", ""].join("\n");
    }

    saved() {
      const state = new Map();
      this.save((name, value) => state.set(name, value), true);
      return state;
    }

    save(set, whole = false) {
      const initial = whole ? new Map() : this.initial;
      const put = (name, value, empty = "") => { if (whole || value !== (initial.get(name) ?? empty)) set(name, value); };
      put("q", this.search.value);
      put("o", this.table.order().map(([column, direction]) => `${this.names[column - this.shift]}:${direction}`).join(","));
      put("h", [...this.toggles].filter(([, box]) => !box.checked).map(([name]) => name).join(","));
      put("s", [...this.chosen].join("\n"));
      for (const [name, select] of this.selects) put(`f.${name}`, select.value);
    }

    restore(state) {
      const read = (name) => state.get(name) ?? this.initial.get(name) ?? "";
      this.search.value = read("q");
      this.table.search(this.search.value);
      for (const name of this.facets) this.applyFacet(name, this.known(name, read(`f.${name}`)));
      const hidden = read("h").split(",");
      for (const [name, box] of this.toggles) {
        box.checked = !hidden.includes(name);
        this.table.column(this.names.indexOf(name) + this.shift).visible(box.checked);
      }
      const order = read("o").split(",").map((text) => text.split(":"))
        .filter(([name, direction]) => this.names.includes(name) && ["asc", "desc"].includes(direction));
      this.table.order(order.map(([name, direction]) => [this.names.indexOf(name) + this.shift, direction]));
      if (this.compares) this.restoreChosen(new Set(read("s").split("\n").filter(Boolean).slice(0, MOST_COMPARED)));
      this.table.draw();
    }

    restoreChosen(lines) {
      this.chosen = new Set();
      for (const row of this.table.rows().nodes().toArray()) {
        const on = lines.has(row.dataset.line);
        row.querySelector("input").checked = on;
        row.classList.toggle("chosen", on);
        if (on) this.chosen.add(row.dataset.line);
      }
      this.showCompared();
    }

    /* A value that the table has; an old link may name one that it has no more. */
    known(name, value) {
      return [...this.selects.get(name).options].some((option) => option.value === value) ? value : "";
    }
  }

  /* Charts are drawn again when they come into view, so that they answer; until then the pictures stand. */
  let library;
  function chartLibrary() {
    library ??= new Promise((resolve, reject) => {
      const script = made("script", { src: chartsSource });
      script.addEventListener("load", resolve);
      script.addEventListener("error", reject);
      document.head.append(script);
    });
    return library;
  }

  async function unpacked(base64) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  }

  async function draw(holder) {
    const picture = holder.firstElementChild;
    const spec = await unpacked(document.getElementById(holder.dataset.spec).textContent);
    await chartLibrary();
    const target = made("div");
    const config = JSON.parse(document.getElementById("chart-config").textContent);
    const options = { ast: true, actions: false, renderer: "svg", config };
    const { view } = await vegaEmbed(target, spec, options);
    target.querySelector("svg")?.setAttribute("aria-label", picture.alt);
    holder.replaceChildren(target);
    holder.dataset.state = "drawn";
    const drawn = { view, methods: spec.params ? methodsOf(spec) : new Set() };
    views.push(drawn);
    emphasiseView(drawn);
  }

  const methodsOf = (part) => {
    if (part === null || typeof part !== "object") return new Set();
    const own = Object.values(part).map(methodsOf).reduce((all, more) => new Set([...all, ...more]), new Set());
    return typeof part.method === "string" ? own.add(part.method) : own;
  };

  /* A chart that has none of the chosen methods is as it was. */
  let emphasised = [];
  function emphasiseView({ view, methods }) {
    if (methods.size === 0) return;
    view.signal("chosen", emphasised.filter((method) => methods.has(method))).runAsync();
  }
  function emphasise(methods) {
    emphasised = methods;
    views.forEach(emphasiseView);
  }

  function watchCharts() {
    const watcher = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((one) => one.isIntersecting)) {
        watcher.unobserve(entry.target);
        draw(entry.target);
      }
    }, { rootMargin: "200px" });
    document.querySelectorAll(".drawn").forEach((holder) => watcher.observe(holder));
  }

  function restoreAll() {
    restoring = true;
    const state = readAddress();
    for (const [id, own] of tables) {
      const mine = new Map([...state].filter(([name]) => name.startsWith(`${id}.`)).map(([name, value]) => [name.slice(id.length + 1), value]));
      own.restore(mine);
    }
    restoring = false;
  }

  /* Before tables put lines of other pages aside. */
  document.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = false; });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button.dataset.copy, "Command");
  });
  document.querySelectorAll("table.data").forEach((element) => tables.set(element.id, new LiveTable(element)));
  restoreAll();
  addEventListener("hashchange", () => { if (location.hash.startsWith("#?")) restoreAll(); });
  /* Paper has no pages of a table. */
  addEventListener("beforeprint", () => { for (const own of tables.values()) own.showAll(); });
  addEventListener("afterprint", () => { for (const own of tables.values()) own.showPages(); });
  watchCharts();
  document.documentElement.dataset.ready = "yes";
})();
