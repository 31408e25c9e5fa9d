import { randomBytes } from 'node:crypto';
import { type ClientBase } from 'pg';
import {
  makePersonalToken,
  readPersonalToken,
} from '../../../apps/identity/src/auth/personal-tokens/text.js';
import { type Grant, type ModelUser } from './model-user.js';

export function newPersonalToken(): string {
  return makePersonalToken().text;
}

/** A token of the same id. */
export function withAnotherSecret(text: string): string {
  const { id } = readPersonalToken(text)!;
  const bytes = Buffer.concat([Buffer.from(id.replaceAll('-', ''), 'hex'), randomBytes(32)]);
  return `usher_pat_${bytes.toString('base64url')}`;
}

/** What is stored of one: its id, and the hash of its secret in hex. */
export function stored(text: string): { tokenId: string; hash: string } {
  const { id, hash } = readPersonalToken(text)!;
  return { tokenId: id, hash };
}

/** Makes the row, or changes it, so that it is as the user has it. What is over has expired. */
export function putPersonalToken(
  client: ClientBase,
  { id, personalToken, grant }: ModelUser,
): Promise<unknown> {
  const { tokenId, hash } = stored(personalToken);
  return client.query(
    `INSERT INTO personal_access_tokens (id, user_id, name, token_hash, scopes, expires_at)
     VALUES ($1, $2, 'of the suite', decode($3, 'hex'), $4, now() + $5 * interval '1 day')
     ON CONFLICT (id) DO UPDATE
       SET token_hash = excluded.token_hash, scopes = excluded.scopes, expires_at = excluded.expires_at`,
    [tokenId, id, hash, scopesOf(grant), grant === 'over' ? -1 : 1],
  );
}

export function scopesOf(grant: Grant): string[] {
  return [grant === 'write' ? 'profile:write' : 'profile:read'];
}
