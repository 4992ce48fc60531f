// Counts down by the clock and not by ticks: a phone that sleeps wakes up at the right time.
export class Timer {
  constructor(tell, finished) {
    this.tell = tell; // called with each change
    this.finished = finished;
    this.set(0);
  }

  set(seconds) {
    this.total = this.left = seconds * 1000;
    this.stop();
  }

  get running() {
    return this.ends !== null;
  }

  get done() {
    return this.left === 0;
  }

  start() {
    this.ends = Date.now() + this.left;
    this.interval = setInterval(() => this.tick(), 100);
    this.tick();
  }

  stop() {
    clearInterval(this.interval);
    this.ends = null;
    this.tell(this);
  }

  tick() {
    this.left = Math.max(0, this.ends - Date.now());
    if (!this.done) return this.tell(this);
    this.stop();
    this.finished();
  }
}

export function clock(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
}
