import { parseJsonObject } from '#runtime';

const NAME = /^rotation-([1-9]\d{0,8})\.json$/;

/** Which key of a directory signs, and which did. Other keys are published but do not sign yet. */
export interface RotationState {
  /** The id of the key that signs. */
  readonly current: string;
  /** The id of the next key. Its file appears after this state is written. */
  readonly next?: string;
  readonly previous: readonly PreviousKey[];
}

export interface PreviousKey {
  readonly kid: string;
  /** When another key began to sign: milliseconds since 1970, by the clock of the file system. */
  readonly replacedAt: number;
}

/**
 * The name of the n-th state. The highest number is valid; files are never replaced, so only one writer gets a
 * number.
 */
export function stateFileName(number: number): string {
  return `rotation-${number}.json`;
}

/** `undefined` if this is not the name of a state. */
export function stateNumber(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function writeRotationState({ current, next, previous }: RotationState): string {
  const state = {
    current,
    next,
    previous: previous.map(({ kid, replacedAt }) => ({
      kid,
      replaced_at: new Date(replacedAt).toISOString(),
    })),
  };
  return `${JSON.stringify(state, undefined, 2)}\n`;
}

/** `undefined` if the text is not a state. */
export function readRotationState(text: string): RotationState | undefined {
  const { current, next, previous } = parseJsonObject(text) ?? {};
  if (typeof current !== 'string' || !Array.isArray(previous)) return undefined;
  if (next !== undefined && typeof next !== 'string') return undefined;
  const read = previous.map(readPreviousKey);
  if (!read.every((each) => each !== undefined)) return undefined;
  return { current, ...(next === undefined ? {} : { next }), previous: read };
}

function readPreviousKey(entry: unknown): PreviousKey | undefined {
  const { kid, replaced_at } = (entry ?? {}) as Record<string, unknown>;
  if (typeof kid !== 'string' || typeof replaced_at !== 'string') return undefined;
  const replacedAt = Date.parse(replaced_at);
  return Number.isNaN(replacedAt) ? undefined : { kid, replacedAt };
}
