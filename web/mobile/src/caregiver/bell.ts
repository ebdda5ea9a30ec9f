// What calls a caregiver who looks elsewhere: a sound and a shake.
//
// Browsers make no sound before the first tap: `wake` belongs into one.

// #ifdef H5
let audio: AudioContext | null = null;
// #endif

const TONES_HZ = [880, 1_175, 880];
const TONE_S = 0.16;

export function wake(): void {
  // #ifdef H5
  audio ??= typeof AudioContext === "undefined" ? null : new AudioContext();
  void audio?.resume();
  // #endif
}

export function ring(): void {
  uni.vibrateLong({ fail: () => {} });
  // #ifdef H5
  if (audio?.state !== "running") return;
  TONES_HZ.forEach((hz, place) => sound(audio!, hz, audio!.currentTime + place * TONE_S));
  // #endif
}

// #ifdef H5
function sound(on: AudioContext, hz: number, at: number): void {
  const tone = on.createOscillator();
  const volume = on.createGain();
  tone.frequency.value = hz;
  volume.gain.setValueAtTime(0.2, at);
  volume.gain.exponentialRampToValueAtTime(0.001, at + TONE_S);
  tone.connect(volume).connect(on.destination);
  tone.start(at);
  tone.stop(at + TONE_S);
}
// #endif
