import { randomBytes } from 'node:crypto';
import { type ObjectStore } from './object-store.js';

/** Width and height in pixels. */
export const AVATAR_SIZES = [512, 128] as const;
export type AvatarSize = (typeof AVATAR_SIZES)[number];

/** A picture in each size, as WebP. */
export type AvatarPictures = Readonly<Record<AvatarSize, Uint8Array>>;

/** Where pictures are served; every `users.avatar_url` begins with it. */
export const AVATARS_PATH = '/avatars/';

const FILE = /^([0-9a-f]{32})-(?:512|128)\.webp$/;
const ID = /^[0-9a-f]{32}$/;
const PENDING = 'pending';
const NOTHING = new Uint8Array();

/**
 * The pictures of users in the store, and a note beside each picture that no committed row references, or that may lose its
 * row. The sweep deletes only noted pictures, so that a service with the wrong database cannot delete another one's.
 */
export class AvatarFiles {
  constructor(private readonly store: ObjectStore) {}

  /** Stores a new picture, noted as pending. After a failure it deletes what it can. @returns its id */
  async keep(pictures: AvatarPictures): Promise<string> {
    const id = randomBytes(16).toString('hex'); // not guessable
    await this.note(id);
    try {
      await Promise.all(AVATAR_SIZES.map((size) => this.store.put(fileOf(id, size), pictures[size])));
    } catch (error) {
      // The note stays: one of the two may arrive late, and the sweep then deletes it.
      await this.#delete(id).catch(() => undefined);
      throw error;
    }
    return id;
  }

  /** Notes that the picture may have to be deleted. */
  note(id: string): Promise<void> {
    return this.store.put(noteOf(id), NOTHING);
  }

  /** Removes the note: a committed row references the picture. */
  settle(id: string): Promise<void> {
    return this.store.delete(noteOf(id));
  }

  /** Deletes the picture, and the note last, so that the sweep repeats a failed deletion. */
  async discard(id: string): Promise<void> {
    await this.#delete(id);
    await this.settle(id);
  }

  /** Ids of pictures that were noted at least `ms` milliseconds ago. */
  async pendingFor(ms: number): Promise<string[]> {
    const until = Date.now() - ms;
    const notes = await this.store.list(PENDING);
    return notes
      .filter(({ writtenAt }) => writtenAt <= until)
      .map(({ name }) => name.slice(PENDING.length + 1))
      .filter((id) => ID.test(id)); // network file systems have files of their own
  }

  /** @param file the last segment of the address; `undefined` for a name that no picture has */
  async read(file: string): Promise<Buffer | undefined> {
    return FILE.test(file) ? this.store.get(file) : undefined;
  }

  async #delete(id: string): Promise<void> {
    await Promise.all(AVATAR_SIZES.map((size) => this.store.delete(fileOf(id, size))));
  }
}

/** The value of `users.avatar_url`: the large picture. The small one has 128 in place of 512. */
export function avatarUrl(id: string): string {
  return AVATARS_PATH + fileOf(id, 512);
}

/** The id of the picture at an address; `undefined` for an address elsewhere. */
export function avatarId(url: string | null): string | undefined {
  return url?.startsWith(AVATARS_PATH) ? FILE.exec(url.slice(AVATARS_PATH.length))?.[1] : undefined;
}

function fileOf(id: string, size: AvatarSize): string {
  return `${id}-${size}.webp`;
}

function noteOf(id: string): string {
  return `${PENDING}/${id}`;
}
