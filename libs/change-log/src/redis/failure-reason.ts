import { reasonOf } from '#runtime';

/** What ioredis says of a command that had no connection to go by; why there is none is told elsewhere. */
const NO_CONNECTION =
  /Connection is closed|Stream isn't writeable|isn't ready|max retries per request|None of startup nodes/;
const MOST_CHARACTERS = 200;

/**
 * Why a command failed, in words for operators.
 *
 * @returns `undefined` when all there is to say is that there was no connection
 */
export function commandFailure(error: unknown): string | undefined {
  const reason = failureReason(error);
  return NO_CONNECTION.test(reason) ? undefined : reason;
}

/** What an error of ioredis or of Redis says, in one line, without any of `secrets` and without what was asked. */
export function failureReason(error: unknown, secrets: readonly string[] = []): string {
  let text = reasonOf(error);
  // Redis repeats what it did not understand: keys, which name people, or the password of an AUTH.
  text = text.replace(/,? with args beginning with.*/s, '');
  for (const secret of secrets) if (secret !== '') text = text.replaceAll(secret, '…');
  return text.replace(/\s+/g, ' ').trim().slice(0, MOST_CHARACTERS);
}
