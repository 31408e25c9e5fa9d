import { type Format, FormatError } from './format.js';

/** `secret,secret2`: at least one, in the order given. White space around each is not a part of it. */
export function secretList(each: string): Format<readonly string[]> {
  return {
    expects: `a comma-separated list of secrets without commas in them, each ${each}`,
    parse(text) {
      if (text.trim() === '') throw new FormatError('it is blank');
      const secrets = text.split(',').map((secret) => secret.trim());
      for (const [index, secret] of secrets.entries()) {
        if (secret === '') throw new FormatError(`item ${index + 1} is blank`);
        if (secrets.indexOf(secret) < index)
          throw new FormatError(`item ${index + 1} is the same as another`);
      }
      return secrets;
    },
  };
}
