// A camera whose picture the test draws: what another phone shows, or a code that something else made.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { UrWriter } from "../../web/cashu/src/nut16_ur.ts";

const web = createRequire(new URL("../../web/kit/package.json", import.meta.url));
const { generate } = web("lean-qr");
const { prepareZXingModule, readBarcodes } = web("zxing-wasm/reader");
prepareZXingModule({ overrides: { wasmBinary: readFileSync(web.resolve("zxing-wasm/reader/zxing_reader.wasm")) } });

/** In the page, before its scripts. */
export const CAMERA = () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [720, 720];
  const drawing = canvas.getContext("2d");
  drawing.fillStyle = "#777";
  drawing.fillRect(0, 0, 720, 720);
  globalThis.cameraOpen = 0;
  globalThis.drawCamera = async (bytes) => {
    const picture = await createImageBitmap(new Blob([Uint8Array.from(atob(bytes), (sign) => sign.charCodeAt(0))]));
    const side = Math.min(720 / picture.width, 720 / picture.height);
    drawing.fillStyle = "#777";
    drawing.fillRect(0, 0, 720, 720);
    drawing.drawImage(picture, (720 - picture.width * side) / 2, (720 - picture.height * side) / 2, picture.width * side, picture.height * side);
  };
  /** A code of black and white rows, with the edge that every code has. */
  globalThis.drawRows = (rows) => {
    const side = Math.floor(640 / (rows.length + 8));
    const from = Math.floor((720 - side * rows.length) / 2);
    drawing.fillStyle = "#fff";
    drawing.fillRect(from - 4 * side, from - 4 * side, side * (rows.length + 8), side * (rows.length + 8));
    drawing.fillStyle = "#000";
    rows.forEach((row, y) => row.forEach((dark, x) => dark && drawing.fillRect(from + x * side, from + y * side, side, side)));
  };
  navigator.mediaDevices.getUserMedia = async () => {
    globalThis.cameraOpen += 1;
    drawing.fillStyle = "#777"; // what it saw last time is not before it any more
    drawing.fillRect(0, 0, 720, 720);
    return canvas.captureStream(15);
  };
};

const FRAME_MS = 150;
const LONGEST_STILL = 700;
const LONGEST_PART = 200;

/** Holds the code of a text before a page's camera until `done`: one symbol, or many one after the other (NUT-16) for a long text. */
export async function hold(page, text, done, { still = text.length <= LONGEST_STILL } = {}) {
  const writer = new UrWriter(new TextEncoder().encode(text), { longest: LONGEST_PART });
  const end = Date.now() + 60_000;
  for (let number = 1; Date.now() < end; number += 1) {
    if (await done()) return;
    const code = generate(still ? text : writer.part(number).toUpperCase());
    const rows = Array.from({ length: code.size }, (_row, y) => Array.from({ length: code.size }, (_dark, x) => code.get(x, y)));
    await page.evaluate((shown) => globalThis.drawRows(shown), rows);
    await page.waitForTimeout(FRAME_MS);
  }
  const shown = await page.evaluate(() => document.querySelector("#app")?.innerText.slice(0, 400));
  throw new Error(`the camera does not see the code; there is: ${shown}`);
}

/** The text of a code, read by another reader than the page's from a picture of it. */
export async function readPicture(bytes) {
  const [found] = await readBarcodes(bytes, { formats: ["QRCode"], maxNumberOfSymbols: 1 });
  return found?.text ?? null;
}
