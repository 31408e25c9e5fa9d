import { ended } from './ended.js';
import { type Pen } from './pen.js';
import { type Grant, type Person } from './person.js';
import { newPersonalToken, putPersonalToken, stored, withAnotherSecret } from './personal-token.js';
import { type Random } from './random.js';
import { FAMILIAR } from './readers.js';

/** By the user, on some instance. */
export function revokePersonalToken(pen: Pen): Promise<void> {
  return pen.withOne(async (person) => {
    if (!person?.active || !person.loggedIn || person.grant === 'over') return;
    const instance = pen.anInstance();
    const token = await pen.world.token(person.id, person.session);
    const { tokenId } = stored(person.personalToken);
    await pen.world.write(
      [{ id: person.id, after: { ...person, grant: 'over' } }],
      () => ended(instance.ask(`/auth/tokens/${tokenId}`, { method: 'DELETE', token })),
      instance.index,
    );
  });
}

/**
 * By raw SQL: one that is over is made anew or comes back; another ends, or its scopes or its secret change. Mostly of
 * users whose tokens are in the caches.
 */
export function changePersonalToken(pen: Pen): Promise<void> {
  const { hot, random } = pen;
  const among = random.below(3) === 0 ? hot : hot.slice(0, FAMILIAR);
  return pen.withOne(async (person, id) => {
    if (!person) return;
    const after = { ...person, ...anotherToken(person, random) };
    const remove = after.grant === 'over' && random.below(2) === 0;
    const { tokenId } = stored(after.personalToken);
    await pen.world.write([{ id, after }], () =>
      pen.sql((client) =>
        remove
          ? client.query('DELETE FROM personal_access_tokens WHERE id = $1', [tokenId])
          : putPersonalToken(client, after),
      ),
    );
  }, among);
}

function anotherToken({ personalToken, grant }: Person, random: Random): Partial<Person> {
  return grant === 'over'
    ? {
        personalToken: random.pick([personalToken, withAnotherSecret(personalToken), newPersonalToken()]),
        grant: random.pick<Grant>(['read', 'read', 'write']),
      }
    : random.pick<Partial<Person>>([
        { grant: 'over' },
        { grant: otherGrant(grant) },
        { personalToken: withAnotherSecret(personalToken) },
      ]);
}

/** Reads where it was writes, or nothing. */
export function otherGrant(grant: Grant): Grant {
  return grant === 'read' ? 'write' : 'read';
}
