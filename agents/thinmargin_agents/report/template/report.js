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
// Paper cannot be opened: print everything.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
