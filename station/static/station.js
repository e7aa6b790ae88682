// Replaces the player's song without leaving the page. Without this script the links open ordinary pages.

const player = document.querySelector("sps-player");
let lastRequest = 0;

/** Show a song's page in place; a page that cannot be fetched is opened as a link. */
async function show(url) {
  const request = ++lastRequest;
  let page;
  try {
    const response = await fetch(url, { headers: { accept: "text/html" } });
    if (!response.ok) throw new Error(String(response.status));
    page = new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    location.assign(url);
    return false;
  }
  const next = page.querySelector("sps-player");
  if (request !== lastRequest || !next || !player) return false;
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
  const status = document.querySelector("#said");
  if (status) status.textContent = `${document.title.split(" · ")[0]} is ready in the player.`;
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
