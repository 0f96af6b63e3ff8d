// A phone for tests in which phones die: Debian's Chromium with a profile on the disk, driven through the app's own screens. It can be
// loaded anew, its page can crash, and its whole browser can be killed; afterwards it is opened with the same profile.
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { POINTS } from "./points.mjs";

const WEB = join(dirname(fileURLToPath(import.meta.url)), "../../web");
const PATIENCE_MS = 60_000;
const LOOK_MS = 40;

let bundled;

/** The script that reads a phone's sealed records in its page. */
async function books() {
  const { build } = createRequire(join(WEB, "package.json"))("esbuild");
  const entry = join(dirname(fileURLToPath(import.meta.url)), "books.mjs");
  bundled ??= build({ entryPoints: [entry], absWorkingDir: WEB, nodePaths: [join(WEB, "node_modules")], bundle: true, format: "iife", target: ["es2022"], write: false, logLevel: "warning" });
  return (await bundled).outputFiles[0].text;
}

export const pause = (ms = LOOK_MS) => new Promise((done) => setTimeout(done, ms));

/** The words with which each process of a browser was started: all whose profile is this folder, by their number. */
function processesOf(folder) {
  const found = new Map();
  for (const name of readdirSync("/proc").filter((each) => /^\d+$/.test(each))) {
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
      if (words.includes(`--user-data-dir=${folder}`)) found.set(Number(name), words);
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

export class Phone {
  /** `name`: that of the app's store. */
  constructor({ program, folder, address, name }) {
    Object.assign(this, { program, folder, address, name, stop: null, faults: [] });
    mkdirSync(folder, { recursive: true });
  }

  /** Switch it on and open the app. */
  async on() {
    this.context = await chromium.launchPersistentContext(this.folder, {
      executablePath: this.program,
      args: ["--no-sandbox", "--disable-gpu"],
      viewport: { width: 360, height: 740 },
      locale: "en-GB",
      serviceWorkers: "allow",
    });
    this.context.setDefaultTimeout(PATIENCE_MS);
    await this.context.exposeFunction("stopped", (name) => this.#stopped?.(name));
    await this.context.addInitScript(POINTS);
    if (this.camera) await this.context.addInitScript(this.camera);
    await this.#show(this.context.pages()[0] ?? (await this.context.newPage()));
  }

  #stopped;

  async #show(page) {
    this.page = page;
    page.on("pageerror", (error) => {
      if (!this.stop) this.faults.push(`${this.name}: ${error.message}`);
    });
    this.stop = null;
    await page.goto(this.address, { waitUntil: "load" });
  }

  async off() {
    await this.context.close();
  }

  // --- deaths -------------------------------------------------------------------------------------------------------------------

  /** From here on the page stops at a point: its number, or the beginning of its name. */
  async arm(at) {
    this.stop = null;
    this.#stopped = (name) => {
      this.stop ??= name;
    };
    await this.page.evaluate((point) => globalThis.arm(point), at);
  }

  async disarm() {
    await this.page.evaluate(() => globalThis.arm(null));
  }

  /** The page is loaded anew, crashes, or its browser is killed (all processes at once, nothing is said to them); opened again. */
  async die(kind) {
    if (kind === "reload") {
      await this.page.reload({ waitUntil: "load" });
    } else if (kind === "crash") {
      const { page } = this;
      const gone = page.waitForEvent("crash");
      const devtools = await this.context.newCDPSession(page);
      devtools.send("Page.crash").catch(() => undefined); // a page that crashes gives no answer
      await gone;
      const next = await this.context.newPage();
      await page.close();
      await this.#show(next);
    } else {
      const main = [...processesOf(this.folder)].find(([, words]) => !words.some((word) => word.startsWith("--type=")));
      if (!main) throw new Error("the browser's process is not found");
      const gone = this.context.waitForEvent("close");
      process.kill(-main[0], "SIGKILL");
      await gone;
      while (processesOf(this.folder).size > 0) await pause();
      await this.on();
    }
    this.stop = null;
  }

  // --- what is seen and touched ---------------------------------------------------------------------------------------------------

  press(name) {
    return this.page.getByRole("button", { name, exact: true }).click();
  }

  sees(text) {
    return this.page.getByText(text).first().waitFor();
  }

  has(name) {
    return this.page.getByRole("button", { name, exact: true }).count();
  }

  heading(name) {
    return this.page.getByRole("heading", { level: 1, name, exact: true });
  }

  async type(amount) {
    for (const digit of String(amount)) await this.page.locator(".keypad").getByRole("button", { name: digit, exact: true }).click();
  }

  /** Touches a button at once if it is there; whether it was. Nothing is touched later, on another page. */
  tap(name) {
    return this.page.evaluate((wanted) => {
      const found = [...document.querySelectorAll("button")].find((each) => each.innerText.trim() === wanted && !each.disabled);
      found?.click();
      return found !== undefined;
    }, name);
  }

  /** Touches a button as soon as it can be touched. */
  touch(name) {
    return this.until(() => this.tap(name));
  }

  /** Waits until `what` is so, or until the page has stopped; which of them. `meanwhile` is done between two looks. */
  async until(what, { meanwhile = async () => undefined } = {}) {
    const end = Date.now() + PATIENCE_MS;
    while (Date.now() < end) {
      if (this.stop) return "stopped";
      if (await what()) return this.stop ? "stopped" : "done";
      await meanwhile();
      await pause();
    }
    const shown = await this.page.evaluate(() => document.querySelector("#app")?.innerText.slice(0, 400));
    throw new Error(`${this.name}: it did not come to its end; there is: ${shown}`);
  }

  /** What the sealed store holds. */
  async books() {
    if (!(await this.page.evaluate(() => "readBooks" in globalThis))) await this.page.evaluate(await books());
    return this.page.evaluate((name) => globalThis.readBooks(name), this.name);
  }

  async offline(cut) {
    await this.context.setOffline(cut);
    await this.page.evaluate((event) => dispatchEvent(new Event(event)), cut ? "offline" : "online");
    await this.sees(cut ? "No connection" : "Connected");
  }
}
