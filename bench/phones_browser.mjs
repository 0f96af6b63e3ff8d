// What the browser's benches share: what they are told, a phone in Debian's Chromium, its taps counted by itself, a camera that sees a
// file, and what a code looks like to it.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../tests/browser/package.json", import.meta.url))("playwright-core");

/** What standard input says. */
export const told = JSON.parse(readFileSync(0, "utf8"));

/** Print what `main` finds, or say what went wrong and fail. */
export async function answer(main) {
  try {
    process.stdout.write(JSON.stringify(await main()));
  } catch (error) {
    process.stderr.write(String(error.stack ?? error));
    process.exit(1);
  }
  process.exit(0);
}

/** A Chromium; `camera`: the file that its camera shows, read anew each time the camera starts. */
export function browser(camera) {
  const seeing = camera ? ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-video-capture=${camera}`] : [];
  return chromium.launch({ executablePath: told.chromium, args: ["--no-sandbox", "--disable-gpu", ...seeing] });
}

/** In the page, before its scripts: taps of a finger are counted, and a button that can be pressed is noticed. */
const WATCH = () => {
  globalThis.taps = 0;
  addEventListener("click", (event) => {
    if (event.isTrusted) globalThis.taps += 1;
  }, true);
  // Milliseconds of the page's clock when there is something to press (`pressable`), and when the page is also free to answer.
  globalThis.usable = new Promise((done) => {
    const look = () => {
      if (!document.querySelector("main button:not([disabled])")) return requestAnimationFrame(look);
      globalThis.pressable = performance.now();
      requestAnimationFrame(() => setTimeout(() => done(performance.now())));
    };
    look();
  });
  // From the tap on the button that says `name` until `wanted` is there and painted: a selector, or "h1=" and what the heading says.
  const isThere = (wanted) =>
    wanted.startsWith("h1=") ? [...document.querySelectorAll("h1")].some((each) => each.innerText.trim() === wanted.slice(3)) : document.querySelector(wanted) !== null;
  globalThis.until = (name, wanted, patience) => {
    globalThis.waited = new Promise((done, fail) => {
      let began = 0;
      const given = setTimeout(() => fail(new Error(`${wanted} did not come; there is: ${document.querySelector("#app")?.innerText.slice(0, 300)}`)), patience);
      const tapped = (event) => {
        if (event.target.closest("button")?.innerText.trim() === name) began ||= performance.now();
      };
      addEventListener("click", tapped, true);
      const look = () => {
        if (!began || !isThere(wanted)) return requestAnimationFrame(look);
        removeEventListener("click", tapped, true);
        clearTimeout(given);
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
      };
      look();
    });
    globalThis.waited.catch(() => undefined);
  };
};

/** A phone with an empty memory, at an address. */
export async function phone(from, address, { locale = "en-GB", go = true } = {}) {
  const context = await from.newContext({ viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, locale, hasTouch: true, isMobile: true, permissions: ["camera"] });
  await context.addInitScript(WATCH);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const devtools = await context.newCDPSession(page);
  if (go) await page.goto(address, { waitUntil: "load" });
  return { context, page, devtools };
}

export const slower = (one, rate) => one.devtools.send("Emulation.setCPUThrottlingRate", { rate });
export const press = (one, name) => one.page.getByRole("button", { name, exact: true }).click();
export const sees = (one, text) => one.page.getByText(text).first().waitFor();
export const taps = (one) => one.page.evaluate(() => globalThis.taps);

/** Milliseconds from the tap on the button `name` until `wanted` is painted, both by the page's own clock. */
export async function timed(one, name, wanted, patience = 60_000) {
  await one.page.evaluate((given) => globalThis.until(...given), [name, wanted, patience]);
  await press(one, name);
  return one.page.evaluate(() => globalThis.waited);
}

export async function type(one, digits) {
  for (const digit of digits) await one.page.locator(".keypad").getByRole("button", { name: digit, exact: true }).click();
}

/** Cuts the connection, or gives it back, and tells the page as a phone would. */
export async function offline(one, cut) {
  await one.context.setOffline(cut);
  await one.page.evaluate((event) => dispatchEvent(new Event(event)), cut ? "offline" : "online");
}

/** Milliseconds until a page that is opened anew can be pressed. */
export async function reload(one) {
  await one.page.reload({ waitUntil: "commit" });
  return one.page.evaluate(() => globalThis.usable);
}

/** The scripts that a page had asked for when there was something to press, by path. */
export const scripts = (one) =>
  one.page.evaluate(async () => {
    await globalThis.usable;
    const asked = performance.getEntriesByType("resource").filter(({ startTime }) => startTime <= globalThis.pressable);
    const names = new Set([...[...document.scripts].map(({ src }) => src), ...asked.map(({ name }) => name)]);
    return [...names].map((name) => name && new URL(name).pathname).filter((path) => path.endsWith(".js"));
  });

/** The pictures that the code on a screen shows during `ms`: each with the moment when it came. */
export async function frames(one, ms) {
  return one.page.evaluate(async (span) => {
    const seen = [];
    const began = performance.now();
    let last = "";
    const note = () => {
      const svg = document.querySelector("svg.code")?.outerHTML ?? "";
      if (svg && svg !== last) seen.push({ at: performance.now() - began, svg: (last = svg) });
    };
    while (performance.now() - began < span) {
      note();
      await new Promise((done) => requestAnimationFrame(done));
    }
    return seen;
  }, ms);
}

const RATE = 30;
const WIDTH = 1280;
const HEIGHT = 720;

/** In a page: what a camera sees of each code, held a little away; JPEG in base64. Of nothing: a grey wall. */
const DRAW = async ({ svgs, width, height }) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const drawing = canvas.getContext("2d");
  const made = [];
  for (const svg of svgs) {
    drawing.fillStyle = "#777";
    drawing.fillRect(0, 0, width, height);
    if (svg) {
      const side = Math.round(height * 0.8);
      const picture = new Image();
      picture.src = `data:image/svg+xml,${encodeURIComponent(svg.replace("<svg ", `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" `))}`;
      await picture.decode();
      drawing.drawImage(picture, (width - side) / 2, (height - side) / 2, side, side);
    }
    made.push(canvas.toDataURL("image/jpeg", 0.85).split(",")[1]);
  }
  return made;
};

/** Shows frames to a camera: each for as long as it stood on the screen, beginning anywhere (`from`, 0 to 1), again and again. */
export async function show(scratch, file, seen, from = 0) {
  const list = seen.length > 0 ? seen : [{ at: 0, svg: "" }];
  const jpegs = (await scratch.evaluate(DRAW, { svgs: list.map(({ svg }) => svg), width: WIDTH, height: HEIGHT })).map((data) => Buffer.from(data, "base64"));
  const shown = jpegs.flatMap((jpeg, place) => {
    const [at, next] = [list[place].at, list[place + 1]?.at ?? list[place].at + 150];
    return Array(Math.max(1, Math.round((next * RATE) / 1000) - Math.round((at * RATE) / 1000))).fill(jpeg);
  });
  const first = Math.floor(shown.length * from);
  writeFileSync(file, Buffer.concat([...shown.slice(first), ...shown.slice(0, first)]));
}
