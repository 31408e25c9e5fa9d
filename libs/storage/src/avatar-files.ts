import { randomBytes } from 'node:crypto';
import { type ObjectStore } from './object-store.js';

/** Pixels, of both sides. */
export const AVATAR_SIZES = [512, 128] as const;
export type AvatarSize = (typeof AVATAR_SIZES)[number];

/** A picture in each size, as WebP. */
export type AvatarPictures = Readonly<Record<AvatarSize, Uint8Array>>;

/** Where pictures are served; what `users.avatar_url` holds begins with it. */
export const AVATARS_PATH = '/avatars/';

const FILE = /^([0-9a-f]{32})-(?:512|128)\.webp$/;
const ID = /^[0-9a-f]{32}$/;
const PENDING = 'pending';
const NOTHING = new Uint8Array();

/**
 * The pictures of users in the store, and a note beside each picture that may have to go: while it is not yet
 * referenced by a committed row, or not any more. Only what is noted is ever swept, so that a service with the wrong
 * database cannot take another one's pictures for litter.
 */
export class AvatarFiles {
  constructor(private readonly store: ObjectStore) {}

  /** Keeps a new picture, noted as pending. After a failure it is deleted as far as that goes. @returns its id */
  async keep(pictures: AvatarPictures): Promise<string> {
    const id = randomBytes(16).toString('hex'); // who does not know it cannot guess it
    await this.note(id);
    try {
      await Promise.all(AVATAR_SIZES.map((size) => this.store.put(fileOf(id, size), pictures[size])));
    } catch (error) {
      // The note stays: one of the two may still be under way, and what arrives late is the sweep's.
      await this.#delete(id).catch(() => undefined);
      throw error;
    }
    return id;
  }

  /** That the picture may have to go, from now on. */
  note(id: string): Promise<void> {
    return this.store.put(noteOf(id), NOTHING);
  }

  /** The picture stays: a committed row references it. */
  settle(id: string): Promise<void> {
    return this.store.delete(noteOf(id));
  }

  /** Deletes the picture; the note goes last, so that a failure leaves it to the sweep. */
  async discard(id: string): Promise<void> {
    await this.#delete(id);
    await this.settle(id);
  }

  /** Ids of pictures that were noted at least so many milliseconds ago. */
  async pendingFor(ms: number): Promise<string[]> {
    const until = Date.now() - ms;
    const notes = await this.store.list(PENDING);
    return notes
      .filter(({ writtenAt }) => writtenAt <= until)
      .map(({ name }) => name.slice(PENDING.length + 1))
      .filter((id) => ID.test(id)); // network file systems have files of their own
  }

  /** @param file the last step of the address; anything that no picture is called is not there. */
  async read(file: string): Promise<Buffer | undefined> {
    return FILE.test(file) ? this.store.get(file) : undefined;
  }

  async #delete(id: string): Promise<void> {
    await Promise.all(AVATAR_SIZES.map((size) => this.store.delete(fileOf(id, size))));
  }
}

/** What `users.avatar_url` holds: the big picture. The small one has 128 in place of 512. */
export function avatarUrl(id: string): string {
  return AVATARS_PATH + fileOf(id, 512);
}

/** The picture that an address leads to; `undefined` for one that is not ours. */
export function avatarId(url: string | null): string | undefined {
  return url?.startsWith(AVATARS_PATH) ? FILE.exec(url.slice(AVATARS_PATH.length))?.[1] : undefined;
}

function fileOf(id: string, size: AvatarSize): string {
  return `${id}-${size}.webp`;
}

function noteOf(id: string): string {
  return `${PENDING}/${id}`;
}
