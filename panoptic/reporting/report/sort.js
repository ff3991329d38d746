// Column heads become buttons that sort their table. Without this the page reads as
// well, in the order of the files.
"use strict";
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const upward = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", upward ? "ascending" : "descending");
      sortRows(table.tBodies[0], column, upward ? 1 : -1);
    });
  });
}

function sortRows(body, column, sign) {
  const known = [...body.rows].filter((row) => row.cells.length > column);
  const keyed = known.map((row) => [keyOf(row.cells[column]), row]);
  keyed.sort(([a], [b]) => compare(a, b, sign));
  body.append(...keyed.map(([, row]) => row));
}

// What is not known stays at the end, whichever way the rest is sorted.
function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === "number") return sign * (a - b);
  return sign * a.localeCompare(b, "en", { numeric: true });
}

function keyOf(cell) {
  const value = cell.dataset.value;
  if (value === undefined) return cell.textContent || null;
  return value === "" ? null : Number(value.replace("inf", "Infinity"));
}
