// The app's worker: keeps one whole release, answers from it alone, and gives way to a newer one only when the page says so. What goes to
// other addresses (mint, log, office) passes by untouched and is never kept.

/// <reference lib="webworker" />
declare const self: ServiceWorkerGlobalScope;
// Set by the build: the release, the files of the first visit, and those that are fetched when first used.
declare const RELEASE: string;
declare const FIRST: readonly string[];
declare const LATER: readonly string[];

const NAME = `amparo-${RELEASE}`;
const LATER_SET = new Set(LATER);
const SETTINGS = "/config.json";
const PATIENCE_MS = 3_000;

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const kept = await caches.open(NAME);
      await kept.addAll([...FIRST, SETTINGS].map((path) => new Request(path, { cache: "no-cache" })));
      await bringAlong();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== NAME) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("message", (event) => {
  if (event.data === "begin") void self.skipWaiting();
  else if (event.data === "fetch-spare") event.waitUntil(keep((path) => /\.(js|wasm)$/.test(path)));
  else event.waitUntil(keep((path) => path === event.data));
});

// Of the files that are fetched when first used: "fetch-spare" keeps what stands in for a browser that has no reader of codes or no Ed25519, a
// path that one. Words and recordings of other languages stay away.
async function keep(wanted: (path: string) => boolean): Promise<void> {
  const kept = await caches.open(NAME);
  for (const path of LATER) if (wanted(path) && !(await kept.match(path))) await kept.add(path);
}

// What an earlier release has kept of them goes with its cache, and has another hash here: without the words there would be no screen.
async function bringAlong(): Promise<void> {
  const had = new Set<string>();
  for (const name of await caches.keys()) {
    for (const { url } of await (await caches.open(name)).keys()) had.add(withoutHash(new URL(url).pathname));
  }
  const wanted = (path: string) => had.has(withoutHash(path));
  await keep((path) => wanted(path) && path.startsWith("/words-"));
  // Recordings and the spare reader are asked for again where they are used: no release fails for want of them.
  await keep(wanted).catch(() => undefined);
}

function withoutHash(path: string): string {
  return path.replace(/-[^-]*\./, ".");
}

async function answer(path: string, request: Request): Promise<Response> {
  const kept = await caches.open(NAME);
  const known = await kept.match(path);
  if (known) return known;
  const fetched = await fetch(request);
  if (fetched.ok && LATER_SET.has(path)) await kept.put(path, fetched.clone());
  return fetched;
}

// Where the mint, the log and the office are: asked anew each time, because an operator may move them; without a connection as last known.
async function settings(request: Request): Promise<Response> {
  const kept = await caches.open(NAME);
  try {
    const fetched = await fetch(request, { cache: "no-cache", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (fetched.ok) {
      await kept.put(SETTINGS, fetched.clone());
      return fetched;
    }
  } catch {
    // as without a connection
  }
  return (await kept.match(SETTINGS)) ?? Response.error();
}

self.addEventListener("fetch", (event) => {
  const { url, method, mode } = event.request;
  const address = new URL(url);
  if (method !== "GET" || address.origin !== self.location.origin || address.pathname === "/alive") return;
  if (address.pathname === SETTINGS) return event.respondWith(settings(event.request));
  event.respondWith(answer(mode === "navigate" ? "/" : address.pathname, event.request));
});
