// Everything that a page can do to the element that holds a player, one after the other; in the end it stands in the
// page's body.
(async () => {
  const p = document.querySelector("sps-player");
  const turn = () => new Promise((resolve) => setTimeout(resolve, 50));
  const frame = document.body.appendChild(document.createElement("iframe"));
  const steps = [
    () => p.remove(),
    () => document.body.append(p),
    () => document.body.append(p.cloneNode(true)),
    () => document.querySelectorAll("sps-player")[1].remove(),
    () => frame.contentDocument.body.append(frame.contentDocument.adoptNode(p)),
    () => document.body.append(document.adoptNode(p)),
    () => document.implementation.createHTMLDocument().body.append(p),
    () => document.body.append(document.adoptNode(p)),
    () => document.body.moveBefore?.(p, document.body.firstChild),
    () => p.attachShadow({ mode: "open" }),
    () => p.replaceChildren(document.createElement("slot")),
    () => document.body.prepend(Object.assign(document.createElement("div"), { id: "box" })),
    () => document.getElementById("box").attachShadow({ mode: "open" }).append(p),
    () => document.body.append(p),
    () => p.setAttribute("src", "/dear.sps"),
    () => p.setAttribute("src", "/song.sps"),
  ];
  for (const step of steps) {
    try {
      step();
    } catch {
      // Not possible here.
    }
    await turn();
  }
  frame.remove();
  window.moved = true;
})();
