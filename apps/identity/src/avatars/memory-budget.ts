import { AvatarsBusy } from './avatar-errors.js';

/** Bytes that all uploads together may hold. Counted as they arrive: a slow sender holds little. */
export class MemoryBudget {
  private taken = 0;

  constructor(private readonly maxBytes: number) {}

  get held(): number {
    return this.taken;
  }

  /** A share that grows as bytes arrive, and is given back as a whole. */
  open(): MemoryShare {
    let share = 0;
    return {
      grow: (bytes) => {
        if (this.taken + bytes > this.maxBytes) throw new AvatarsBusy();
        this.taken += bytes;
        share += bytes;
      },
      giveBack: () => {
        this.taken -= share;
        share = 0;
      },
    };
  }
}

export interface MemoryShare {
  /** @throws AvatarsBusy when nothing is left */
  grow(bytes: number): void;
  giveBack(): void;
}
