// Choosing a song swaps the player's source in place. Without this script the same links are ordinary pages.

const player = document.querySelector("sps-player");
let asked = 0;

/** Show a song's page without leaving this one; a page that can't be fetched is opened the ordinary way. */
async function show(url) {
  const turn = ++asked;
  let page;
  try {
    const answer = await fetch(url, { headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    location.assign(url);
    return false;
  }
  const next = page.querySelector("sps-player");
  if (turn !== asked || !next || !player) return false;
  for (const part of document.querySelectorAll("[data-swap]")) {
    const fresh = page.querySelector(`[data-swap="${part.dataset.swap}"]`);
    if (fresh) part.replaceChildren(...fresh.childNodes);
  }
  player.setAttribute("src", next.getAttribute("src") ?? "");
  document.title = page.title;
  const chosen = page.querySelector("[data-song][aria-current]")?.getAttribute("data-song");
  for (const link of document.querySelectorAll("[data-song]")) {
    if (link.dataset.song === chosen) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const said = document.querySelector("#said");
  if (said) said.textContent = `${document.title.split(" · ")[0]} is ready in the player.`;
  return true;
}

document.addEventListener("click", async (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-song]") : null;
  if (
    !link ||
    !player ||
    event.defaultPrevented ||
    event.button !== 0 ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    event.altKey
  )
    return;
  event.preventDefault();
  const url = link.href;
  if (await show(url)) {
    history.pushState({ song: url }, "", url);
    document.querySelector("#player")?.scrollIntoView();
  }
});

addEventListener("popstate", () => {
  if (player && !location.hash) void show(location.href);
});

for (const button of document.querySelectorAll("[data-copy]")) {
  const text = document.querySelector(`#${button.dataset.copy}`)?.textContent ?? "";
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const word = button.querySelector("span");
    try {
      await navigator.clipboard.writeText(text);
      word.textContent = "Copied";
    } catch {
      word.textContent = "Select and copy";
    }
  });
}
