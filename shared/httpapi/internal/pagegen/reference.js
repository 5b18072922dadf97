// The page works without this script, which adds a search of the contents.
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
