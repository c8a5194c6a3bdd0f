/**
 * Writes lines to a file descriptor without ever holding up the main thread: the kernel gets them from the thread pool, one
 * batch at a time, and behind a reader that stands still at most `backlogMax` characters wait.
 *
 * pino's own destination is not used: with a full disk, or a pipe that nobody reads, its flush at the process's end tries
 * for ever and the daemon never goes away (sonic-boom 4, measured).
 */
import { write } from "node:fs";
import { wait, type Clock } from "../agent/clock.ts";

const backlogMax = 4 * 1_048_576;
const retryMs = 100;
const closeTimeoutMs = 1_000;

export class LineWriter {
  readonly #fd: number;
  readonly #clock: Clock;
  #lines: string[] = [];
  #length = 0;
  #writing: Promise<void> | undefined;
  #dropped = 0;

  /** @param fd stays its owner's to close. */
  constructor(fd: number, clock: Clock) {
    this.#fd = fd;
    this.#clock = clock;
  }

  /** Lines that were let go, because too many waited or the kernel refused them. */
  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    if (this.#length + line.length > backlogMax) {
      this.#dropped += 1;
      return;
    }
    this.#lines.push(line);
    this.#length += line.length;
    this.#writing ??= this.#writeAll();
  }

  /** Waits until all is written, for at most a second. */
  async close(): Promise<void> {
    await Promise.race([this.#writing, wait(this.#clock, closeTimeoutMs)]);
  }

  async #writeAll(): Promise<void> {
    // Lines that are logged in one go leave in one batch.
    await Promise.resolve();
    while (this.#lines.length > 0) {
      const lines = this.#lines;
      this.#lines = [];
      this.#length = 0;
      if (!(await this.#writeBatch(Buffer.from(lines.join(""))))) this.#dropped += lines.length;
    }
    this.#writing = undefined;
  }

  async #writeBatch(bytes: Buffer): Promise<boolean> {
    for (let at = 0; at < bytes.length; ) {
      const written = await this.#writeSome(bytes.subarray(at));
      if (written === "failed") return false;
      if (written === "later") await wait(this.#clock, retryMs);
      else at += written;
    }
    return true;
  }

  #writeSome(bytes: Buffer): Promise<number | "later" | "failed"> {
    return new Promise((resolve) => {
      write(this.#fd, bytes, (error, written) => {
        if (error === null) resolve(written);
        else resolve(error.code === "EAGAIN" || error.code === "EBUSY" ? "later" : "failed");
      });
    });
  }
}
