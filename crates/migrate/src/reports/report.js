"use strict";
// Sorting, opening and printing. The page is complete without this script.
(function () {
  function key(row, column) {
    var cell = row.cells[column];
    return "sort" in cell.dataset ? cell.dataset.sort : cell.textContent.trim();
  }
  function compare(left, right) {
    var numeric = left !== "" && right !== "" && !isNaN(left) && !isNaN(right);
    return numeric ? left - right : left.localeCompare(right, "en", { numeric: true });
  }
  function sort(table, column, header) {
    var downwards = header.getAttribute("aria-sort") === "ascending";
    var body = table.tBodies[0];
    var rows = Array.from(body.rows);
    rows.sort(function (left, right) {
      var order = compare(key(left, column), key(right, column));
      return downwards ? -order : order;
    });
    rows.forEach(function (row) { body.appendChild(row); });
    Array.from(header.parentNode.cells).forEach(function (other) { other.removeAttribute("aria-sort"); });
    header.setAttribute("aria-sort", downwards ? "descending" : "ascending");
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    Array.from(table.tHead.rows[0].cells).forEach(function (header, column) {
      var button = document.createElement("button");
      button.type = "button";
      while (header.firstChild) { button.appendChild(header.firstChild); }
      header.appendChild(button);
      button.addEventListener("click", function () { sort(table, column, header); });
    });
  });

  document.querySelectorAll("[data-unfold]").forEach(function (place) {
    [["Open all", true], ["Close all", false]].forEach(function (choice) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = choice[0];
      button.addEventListener("click", function () {
        place.closest("section").querySelectorAll("details").forEach(function (details) {
          details.open = choice[1];
        });
      });
      place.appendChild(button);
    });
    place.hidden = false;
  });

  function openTarget() {
    var target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") {
      target.open = true;
      target.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", openTarget);
  openTarget();

  // On paper nothing unfolds. Texts of code objects stay as the reader has left them: they can be very long.
  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details.printed:not([open])"));
    opened.forEach(function (details) { details.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (details) { details.open = false; });
    opened = [];
  });
})();
