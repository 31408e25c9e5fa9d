import { type Settings } from '#config';
import { KeyDirectory } from '../auth/tokens/key-directory.js';
import { rotate, type RotationStep } from '../auth/tokens/key-rotation.js';
import { SPREAD_WITHIN_MS } from '../auth/tokens/rotation-times.js';
import { CommandFault } from './command-fault.js';

const SPREAD = `${SPREAD_WITHIN_MS / 60_000} minutes`;

export interface RotateKeyOptions {
  now?: boolean;
}

/**
 * Makes the next key sign, while the service runs or not.
 *
 * @returns what was done, in a few sentences
 * @throws CommandFault when nothing was done, and what is wrong with the directory
 */
export async function rotateKey(settings: Settings, { now = false }: RotateKeyOptions): Promise<string> {
  if (settings.jwtSecrets.length > 0) {
    throw new CommandFault('JWT_SECRET is set, so there is no key to rotate: change JWT_SECRET instead.');
  }
  return sentence(await rotate(new KeyDirectory(settings.jwtKeysDir), now));
}

function sentence(step: RotationStep): string {
  switch (step.kind) {
    case 'published':
      return (
        `The key ${step.next} is published, and ${step.current} still signs. ` +
        `Run rotate-key again in ${SPREAD}, when every instance knows the new one: then it signs.`
      );
    case 'rotated':
      return (
        `The key ${step.current} signs now. ${step.previous} verifies until its last token has expired. ` +
        `${step.next} is published, and follows at the next rotate-key.`
      );
    case 'too early':
      throw new CommandFault(
        `The key ${step.next} has not been published for ${SPREAD}, so not every instance may know it yet. ` +
          `Run rotate-key again in ${Math.ceil(step.waitMs / 1000)} seconds; or with --now, if a few refused tokens do not matter.`,
      );
    case 'overtaken':
      throw new CommandFault('Another rotate-key is at work; nothing was done here.');
  }
}
