"use strict";
// A click on a column's head sorts its table: first best or highest first, then the other way round.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const key = (row, column) => {
    const sort = row.cells[column].dataset.sort;
    return sort === "" ? null : isNaN(sort) ? sort : Number(sort);
  };
  for (const button of table.querySelectorAll("thead button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const words = head.dataset.kind === "words";
      const up = head.ariaSort ? head.ariaSort === "descending" : words;
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [key(row, head.cellIndex), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        return (up ? 1 : -1) * (words ? String(a).localeCompare(String(b)) : a - b);
      });
      body.append(...rows.map(([, row]) => row));
    });
  }
}
// Values of a picture: where the pointer is near, or one after the other with the arrow keys.
for (const figure of document.querySelectorAll("figure[data-readings]")) {
  const svg = figure.querySelector("svg");
  const shown = figure.querySelector("output");
  const readings = JSON.parse(figure.dataset.readings);
  const [, , width, height] = svg.getAttribute("viewBox").split(/[ ,]+/).map(Number);
  const marker = document.createElementNS(svg.namespaceURI, "path");
  marker.setAttribute("class", "marker");
  let at = -1;
  const hide = () => {
    shown.classList.remove("shown");
    marker.remove();
  };
  const show = (place) => {
    at = place;
    const [x, y, words] = readings[at];
    shown.replaceChildren(...words.split("; ").map((part) => {
      const line = document.createElement("span");
      line.textContent = part;
      return line;
    }));
    shown.classList.add("shown");
    const across = `M0 ${y}H${width}`, down = `M${x} 0V${height}`;
    marker.setAttribute("d", x === null ? across : y === null ? down : `M${x - 6} ${y}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0`);
    svg.append(marker);
  };
  svg.setAttribute("tabindex", "0");
  svg.setAttribute("aria-roledescription", "picture with values: arrow keys read them out");
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width, y = ((event.clientY - box.top) / box.height) * height;
    const far = ([a, b]) => (a === null ? 0 : (a - x) ** 2) + (b === null ? 0 : (b - y) ** 2);
    show(readings.reduce((near, one, place) => (far(one) < far(readings[near]) ? place : near), 0));
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("focus", () => show(Math.max(at, 0)));
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const last = readings.length - 1;
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") hide();
    if (to === undefined) return;
    event.preventDefault();
    show(Math.min(Math.max(to, 0), last));
  });
}
// Paper cannot be opened: print everything.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
