// Reading aloud: by a voice that lies on the phone (one of a server would be told what stands on the screen), else by the recording of the
// screen's own sentence (tools/voices.py), which is kept with the app in the chosen language.

import { fetchLater } from "./update.ts";
import { language } from "./words.ts";

// Set by the build: where each language's recordings lie.
declare const VOICE_FILES: string;

/** The recordings of one language: a head that names each sentence's bytes, then the bytes. */
export interface Recordings {
  places: Readonly<Record<string, readonly [start: number, length: number]>>;
  body: Uint8Array;
}

function ownVoice(): SpeechSynthesisVoice | undefined {
  const voices = globalThis.speechSynthesis?.getVoices?.() ?? [];
  return voices.find((each) => each.localService && each.lang.toLowerCase().startsWith(language()));
}

let audio: AudioContext | undefined;
let playing: AudioBufferSourceNode | undefined;

/** Read a file of recordings: four bytes with the length of its head, the head (JSON), the sounds. Throws for anything else. */
export function readRecordings(data: ArrayBuffer): Recordings {
  const end = 4 + new DataView(data).getUint32(0);
  return { places: JSON.parse(new TextDecoder().decode(data.slice(4, end))) as Recordings["places"], body: new Uint8Array(data, end) };
}

/** Fetch the recordings of the chosen language, so that they are there without a connection. Rejects when they cannot be had. */
export async function fetchVoice(): Promise<ArrayBuffer> {
  const answer = await fetchLater((JSON.parse(VOICE_FILES) as Readonly<Record<string, string>>)[language()]);
  return answer.arrayBuffer();
}

/** Read aloud what a screen says, and stop what was being read: `full`, with the sums that stand on it, by a voice of this phone; else the
 * recording of `said`. False: neither is there. */
export async function speakAloud(said: string, full = said): Promise<boolean> {
  playing?.stop();
  playing = undefined;
  const voice = ownVoice();
  if (voice) {
    speechSynthesis.cancel();
    const spoken = new SpeechSynthesisUtterance(full);
    spoken.voice = voice;
    spoken.lang = voice.lang;
    speechSynthesis.speak(spoken);
    return true;
  }
  try {
    audio ??= new AudioContext();
    void audio.resume();
    const { places, body } = readRecordings(await fetchVoice());
    const [start, length] = places[said] ?? [0, 0];
    if (!length) return false;
    const source = audio.createBufferSource();
    source.buffer = await audio.decodeAudioData(body.slice(start, start + length).buffer);
    source.connect(audio.destination);
    source.start();
    playing = source;
    return true;
  } catch {
    return false; // never fetched and no connection, or no sound on this phone
  }
}

/** A short sound and a shake: `good` rises, `bad` falls. Never the only sign. */
export function signal(kind: "good" | "bad"): void {
  navigator.vibrate?.(kind === "good" ? 80 : [120, 80, 120]);
  try {
    audio ??= new AudioContext();
    const tones = kind === "good" ? [660, 990] : [330, 220, 220];
    tones.forEach((hertz, place) => {
      const tone = (audio as AudioContext).createOscillator();
      const loud = (audio as AudioContext).createGain();
      const at = (audio as AudioContext).currentTime + place * 0.14;
      tone.frequency.value = hertz;
      loud.gain.setValueAtTime(0.2, at);
      loud.gain.exponentialRampToValueAtTime(0.001, at + 0.13);
      tone.connect(loud).connect((audio as AudioContext).destination);
      tone.start(at);
      tone.stop(at + 0.14);
    });
  } catch {
    // A phone without sound: the screen says it all.
  }
}
