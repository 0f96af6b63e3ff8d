// The camera and the reading of codes: the browser's own reader where it has one, else zxing, loaded when it is first needed. Pictures stay
// in this phone's memory and are forgotten at once.

import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icon.tsx";
import { _ } from "./words.ts";

/** Reads codes from a picture. */
export type Reader = (source: HTMLVideoElement) => Promise<string[]>;

interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}
interface DetectorMaker {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

async function ownReader(): Promise<Reader | undefined> {
  const maker = (globalThis as { BarcodeDetector?: DetectorMaker }).BarcodeDetector;
  if (!maker || !(await maker.getSupportedFormats()).includes("qr_code")) return undefined;
  const detector = new maker({ formats: ["qr_code"] });
  return async (source) => (await detector.detect(source)).map((each) => each.rawValue);
}

/** A reader of codes for this browser. */
export async function reader(): Promise<Reader> {
  return (await ownReader()) ?? (await import("./zxing.ts")).zxingReader();
}

const LONGEST_SIDE = 1280;

/** The camera's picture; every code that is read is told to `onCode`, which says whether to go on. Off while nothing is awaited. */
export function Camera({ onCode, hint, onFail }: { onCode: (text: string) => boolean; hint: string; onFail: (why: "refused" | "none") => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [torch, setTorch] = useState<boolean | undefined>();
  const track = useRef<MediaStreamTrack | undefined>(undefined);
  const told = useRef(onCode);
  told.current = onCode;
  useEffect(() => {
    let open = true;
    let stream: MediaStream | undefined;
    const begin = async () => {
      const reading = reader();
      try {
        stream = await navigator.mediaDevices.getUserMedia({
          video: { facingMode: "environment", width: { ideal: LONGEST_SIDE }, height: { ideal: 720 } },
          audio: false,
        });
      } catch (error) {
        if (open) onFail((error as DOMException).name === "NotAllowedError" ? "refused" : "none");
        return;
      }
      const shown = video.current;
      if (!open || !shown) return stop();
      track.current = stream.getVideoTracks()[0];
      const able = track.current?.getCapabilities?.() as { torch?: boolean } | undefined;
      if (able?.torch) setTorch(false);
      shown.srcObject = stream;
      await shown.play().catch(() => undefined);
      const read = await reading;
      while (open) {
        if (shown.readyState >= 2) {
          for (const text of await read(shown).catch(() => [])) {
            if (open && !told.current(text)) return stop();
          }
        }
        await new Promise((done) => requestAnimationFrame(done));
      }
    };
    const stop = () => {
      open = false;
      stream?.getTracks().forEach((each) => each.stop());
    };
    void begin();
    return stop;
  }, []);
  const light = () => {
    const wanted = !torch;
    setTorch(wanted);
    void track.current?.applyConstraints({ advanced: [{ torch: wanted } as MediaTrackConstraintSet] });
  };
  return (
    <div class="camera">
      <video ref={video} muted playsInline aria-label={_("What the camera sees")} />
      <p>{hint}</p>
      {torch === undefined ? null : (
        <button type="button" onClick={light} aria-pressed={torch}>
          <Icon name="light" /> {_("Light")}
        </button>
      )}
    </div>
  );
}
