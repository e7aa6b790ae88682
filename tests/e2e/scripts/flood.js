// More of everything than a page could need.
{
  const p = document.querySelector("sps-player");
  const detail = (i) => JSON.stringify({ command: i % 2 ? "pause" : "volume", value: 0.5 });
  for (let i = 0; i < 10_000; i++) p.dispatchEvent(new CustomEvent("gomaa:element", { detail: detail(i) }));
  const make = () => Object.assign(document.createElement("sps-player"), { src: "/song.sps" });
  for (let i = 0; i < 200; i++) {
    const one = make();
    document.body.append(one);
    one.remove();
    document.body.append(one);
    one.remove();
  }
  for (let i = 0; i < 2000; i++) document.body.append(make());
  setTimeout(() => {
    window.flooded = true;
  }, 2000);
}
