// Everything that a page's script can say or do in somebody else's name.
{
  const p = document.querySelector("sps-player");
  let reached = 0;
  for (const type of [
    "play",
    "wallet.claim",
    "wallet.words",
    "gomaa.height",
    "height",
    "framed",
    "open",
    "play",
    "terms",
  ]) {
    for (const data of [{ type }, { type, id: 1, element: 1, height: 9e9 }, JSON.stringify({ type })]) {
      window.postMessage(data, "*");
      p.dispatchEvent(new MessageEvent("message", { data }));
    }
  }
  const commands = ["wallet.claim", "__proto__", ["play"], "rewards", "retry", "seek", "collect", "takeover"];
  const details = [
    "x",
    "[]",
    "null",
    { command: "play" },
    null,
    ...commands.map((command) =>
      JSON.stringify({ command, value: { a: 1 }, stream: "x", origin: "https://bank.example" }),
    ),
  ];
  for (const detail of details) p.dispatchEvent(new CustomEvent("gomaa:element", { detail }));
  for (const name of ["click", "pointerdown", "mousedown"])
    p.dispatchEvent(new MouseEvent(name, { bubbles: true, composed: true }));
  p.dispatchEvent(new KeyboardEvent("keydown", { key: " ", bubbles: true }));
  p.click();
  p.focus();
  for (const space of ["chrome", "browser"]) {
    for (const name of ["page", "wallet", "engine", "player:x", "player:"]) {
      for (const id of [undefined, "eopgjndhekdfebdomcbodfefkbijinni", "gomaa@gomaa.example"]) {
        try {
          const port = window[space].runtime.connect(id, { name });
          port.onMessage.addListener(() => {
            reached++;
          });
          port.postMessage({ id: 1, type: "wallet.status" });
        } catch {
          // Nobody there.
        }
      }
    }
  }
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    reached++;
  };
  window.postMessage({ type: "gomaa", port: 1 }, "*", [channel.port2]);
  setTimeout(() => {
    window.forged = JSON.stringify([reached, window.length, p.shadowRoot, typeof p.openOrClosedShadowRoot]);
  }, 1500);
}
