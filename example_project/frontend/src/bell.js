// Phones let a page make a sound only if it began with a touch: open() belongs into one.
let audio = null;

export function open() {
  const Audio = window.AudioContext || window.webkitAudioContext;
  if (!audio && Audio) audio = new Audio();
  if (audio) audio.resume();
}

export function ring() {
  if (navigator.vibrate) navigator.vibrate([200, 100, 200]);
  if (audio) [880, 1320, 1760].forEach(tone);
}

function tone(frequency, index) {
  const at = audio.currentTime + index * 0.18;
  const source = audio.createOscillator();
  const volume = audio.createGain();
  source.frequency.value = frequency;
  volume.gain.setValueAtTime(0.25, at);
  volume.gain.exponentialRampToValueAtTime(0.001, at + 1.6);
  source.connect(volume).connect(audio.destination);
  source.start(at);
  source.stop(at + 1.6);
}
