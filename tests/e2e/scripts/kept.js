// What the extension keeps, by the browser's own doors: its files on disk are compressed.
(async () => {
  const { indexedDB, caches, localStorage, sessionStorage } = window;
  const page = window.wrappedJSObject ?? window;
  const api = page.browser ?? page.chrome;
  const out = [];
  for (const area of ["local", "session", "sync"]) {
    try {
      out.push(await api.storage[area].get(null));
    } catch {
      // This browser has no such area.
    }
  }
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  for (const { name } of await indexedDB.databases()) {
    const base = await done(indexedDB.open(name));
    for (const store of base.objectStoreNames)
      out.push(await done(base.transaction(store).objectStore(store).getAll()));
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) out.push(request.url, await (await cache.match(request)).text());
  }
  return JSON.stringify([out, { ...localStorage }, { ...sessionStorage }, document.cookie]);
})();
