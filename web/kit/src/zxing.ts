// zxing-cpp as WebAssembly, for browsers without a reader of their own. It lies beside the app; nothing is fetched from elsewhere.

import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";
import wasm from "zxing-wasm/reader/zxing_reader.wasm";
import type { Reader } from "./camera.tsx";

const LONGEST_SIDE = 960;

/** A reader that draws each picture of the camera and searches it for QR codes. */
export async function zxingReader(): Promise<Reader> {
  await prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: true });
  const canvas = document.createElement("canvas");
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  return async (source) => {
    const shrink = Math.min(1, LONGEST_SIDE / Math.max(source.videoWidth, source.videoHeight, 1));
    const [width, height] = [Math.round(source.videoWidth * shrink), Math.round(source.videoHeight * shrink)];
    if (!drawing || !width || !height) return [];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    drawing.drawImage(source, 0, 0, width, height);
    const found = await readBarcodes(drawing.getImageData(0, 0, width, height), { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 1 });
    return found.filter((each) => each.isValid).map((each) => each.text);
  };
}
