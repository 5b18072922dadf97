// The page is complete without this: it adds a search over the contents, and
// opens what a link points into.
(() => {
  const find = document.getElementById("find");
  find.closest("p").hidden = false;
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/);
    for (const item of document.querySelectorAll("nav li")) {
      const text = item.dataset.text.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
    }
  });
})();
