// Reading aloud, by a voice that lies on the phone: a voice of a server would be told what stands on the screen.

import { language } from "./words.ts";

function ownVoice(): SpeechSynthesisVoice | undefined {
  const voices = globalThis.speechSynthesis?.getVoices?.() ?? [];
  return voices.find((each) => each.localService && each.lang.toLowerCase().startsWith(language()));
}

/** Whether this phone can read the chosen language by itself. */
export function canSpeakAloud(): boolean {
  return ownVoice() !== undefined;
}

/** Read a text aloud, and stop what was being read. */
export function speakAloud(text: string): void {
  const voice = ownVoice();
  if (!voice) return;
  speechSynthesis.cancel();
  const said = new SpeechSynthesisUtterance(text);
  said.voice = voice;
  said.lang = voice.lang;
  speechSynthesis.speak(said);
}

let audio: AudioContext | undefined;

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
