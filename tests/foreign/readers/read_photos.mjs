// Reads codes from pictures as the phones do: zxing-wasm from web/, with the options of web/kit/src/zxing.ts.
// node read_photos.mjs WEB FILE SIDE: FILE holds grey pictures of SIDE x SIDE bytes, one after the other. Prints a list of texts (null: none).
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [web, file, sideText] = process.argv.slice(2);
const side = Number(sideText);
const require = createRequire(`${web}/kit/package.json`);
const { prepareZXingModule, readBarcodes } = await import(pathToFileURL(require.resolve("zxing-wasm/reader")).href);
await prepareZXingModule({ overrides: { wasmBinary: readFileSync(require.resolve("zxing-wasm/reader/zxing_reader.wasm")) }, fireImmediately: true });

const grey = readFileSync(file);
const found = [];
for (let at = 0; at < grey.length; at += side * side) {
  const data = new Uint8ClampedArray(4 * side * side);
  for (let pixel = 0; pixel < side * side; pixel += 1) {
    data.fill(grey[at + pixel], 4 * pixel, 4 * pixel + 3);
    data[4 * pixel + 3] = 255;
  }
  const codes = await readBarcodes({ data, width: side, height: side }, { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 1 });
  found.push(codes.find((each) => each.isValid)?.text ?? null);
}
console.log(JSON.stringify(found));
