// zxing-cpp as WebAssembly, for browsers without a reader of their own. It lies beside the app; nothing is fetched from elsewhere.

/// <reference types="emscripten" />
import type { ZXingReaderModule } from "zxing-wasm/reader";
import { getZXingModule } from "zxing-wasm/reader";
import wasm from "zxing-wasm/reader/zxing_reader.wasm";
import type { Reader } from "./camera.tsx";

const LONGEST_SIDE = 960;

// Its module is called itself: what the library puts around it brings tables of every kind of code. One QR code, sought hard; else its defaults,
// where a number is a place in one of those tables.
const WANTED: Parameters<ZXingReaderModule["readBarcodesFromPixmap"]>[3] = {
  formats: "QRCode",
  maxNumberOfSymbols: 1,
  tryHarder: true,
  tryRotate: true,
  tryInvert: true,
  tryDownscale: true,
  tryDenoise: false,
  tryCode39ExtendedMode: true,
  binarizer: 0, // LocalAverage
  isPure: false,
  downscaleFactor: 3,
  downscaleThreshold: 500,
  minLineCount: 2,
  validateOptionalChecksum: false,
  returnErrors: false,
  eanAddOnSymbol: 0, // Ignore
  textMode: 2, // HRI
  characterSet: 0, // Unknown
};

/** How bright each point of a picture is, 0 to 255 (ITU-R BT.601). */
function greys({ data }: ImageData): Uint8Array {
  const found = new Uint8Array(data.length / 4);
  for (let place = 0; place < found.length; place++) {
    const from = 4 * place;
    found[place] = (306 * (data[from] ?? 0) + 601 * (data[from + 1] ?? 0) + 117 * (data[from + 2] ?? 0) + 512) >> 10;
  }
  return found;
}

/** The texts of the codes in a picture. */
function textsIn(zxing: ZXingReaderModule, picture: ImageData): string[] {
  const grey = greys(picture);
  const place = zxing._malloc(grey.length);
  if (!place) return [];
  try {
    zxing.HEAPU8.set(grey, place);
    const found = zxing.readBarcodesFromPixmap(place, picture.width, picture.height, WANTED);
    return Array.from({ length: found.size() }, (_, each) => found.get(each)).flatMap((each) => (each?.isValid ? each.text : []));
  } finally {
    zxing._free(place);
  }
}

/** A reader that draws each picture of the camera and searches it for QR codes. */
export async function zxingReader(): Promise<Reader> {
  const zxing = await getZXingModule({ locateFile: () => wasm });
  const canvas = document.createElement("canvas");
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  return async (source) => {
    const shrink = Math.min(1, LONGEST_SIDE / Math.max(source.videoWidth, source.videoHeight, 1));
    const [width, height] = [Math.round(source.videoWidth * shrink), Math.round(source.videoHeight * shrink)];
    if (!drawing || !width || !height) return [];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    drawing.drawImage(source, 0, 0, width, height);
    return textsIn(zxing, drawing.getImageData(0, 0, width, height));
  };
}
