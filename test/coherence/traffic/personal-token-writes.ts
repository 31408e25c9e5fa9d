import { endingOf, type Writer } from './writer.js';
import { type Grant, type ModelUser } from '../model/model-user.js';
import { newPersonalToken, putPersonalToken, stored, withAnotherSecret } from '../model/personal-token.js';
import { type Random } from '../../support/random/random.js';
import { FAMILIAR } from './readers.js';

/** By the user, on some instance. */
export function revokePersonalToken(pen: Writer): Promise<void> {
  return pen.withOne(async (user) => {
    if (!user?.active || !user.loggedIn || user.grant === 'over') return;
    const instance = pen.anInstance();
    const token = await pen.model.token(user.id, user.session);
    const { tokenId } = stored(user.personalToken);
    await pen.model.write(
      [{ id: user.id, after: { ...user, grant: 'over' } }],
      () => endingOf(instance.ask(`/auth/tokens/${tokenId}`, { method: 'DELETE', token })),
      instance.index,
    );
  });
}

/**
 * By raw SQL: one that is over is made anew or comes back; another ends, or its scopes or its secret change. Mostly of
 * users whose tokens are in the caches.
 */
export function changePersonalToken(pen: Writer): Promise<void> {
  const { hot, random } = pen;
  const among = random.below(3) === 0 ? hot : hot.slice(0, FAMILIAR);
  return pen.withOne(async (user, id) => {
    if (!user) return;
    const after = { ...user, ...anotherToken(user, random) };
    const remove = after.grant === 'over' && random.below(2) === 0;
    const { tokenId } = stored(after.personalToken);
    await pen.model.write([{ id, after }], () =>
      pen.sql((client) =>
        remove
          ? client.query('DELETE FROM personal_access_tokens WHERE id = $1', [tokenId])
          : putPersonalToken(client, after),
      ),
    );
  }, among);
}

function anotherToken({ personalToken, grant }: ModelUser, random: Random): Partial<ModelUser> {
  return grant === 'over'
    ? {
        personalToken: random.pick([personalToken, withAnotherSecret(personalToken), newPersonalToken()]),
        grant: random.pick<Grant>(['read', 'read', 'write']),
      }
    : random.pick<Partial<ModelUser>>([
        { grant: 'over' },
        { grant: otherGrant(grant) },
        { personalToken: withAnotherSecret(personalToken) },
      ]);
}

/** Reads where it was writes, or nothing. */
export function otherGrant(grant: Grant): Grant {
  return grant === 'read' ? 'write' : 'read';
}
