import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aUser, aRegistration, bearer, PASSWORD } from '../support/app/users.js';
import { TestApp } from '../support/app/test-app.js';

describe('accounts', () => {
  let usher: TestApp;

  beforeAll(async () => {
    usher = await TestApp.start();
  });

  afterAll(async () => {
    await usher.stop();
  });

  it('registration returns a token that opens the account', async () => {
    const registration = aRegistration({ username: 'Ada.L', first_name: 'Ada', phone: '+44 (20) 7183-8750' });
    const made = await usher.http.post('/auth/register').send(registration).expect(201);
    expect(made.body).toMatchObject({ token_type: 'bearer', expires_in: 900 });
    expect(made.headers['cache-control']).toBe('no-store');

    const me = await usher.http.get('/auth/me').set(bearer(made.body.access_token)).expect(200);
    expect(me.body).toEqual(made.body.user);
    expect(me.body).toMatchObject({
      email: registration.email,
      username: 'Ada.L',
      first_name: 'Ada',
      phone: '+442071838750',
      is_active: true,
      is_admin: false,
    });
  });

  it('second read of a profile comes from memory and is revalidated by its ETag', async () => {
    const person = await aUser(usher);
    await usher.http.get('/auth/me').set(person.bearer).expect(200);
    const second = await usher.http.get('/auth/me').set(person.bearer).expect(200);
    expect(second.headers['x-cache']).toBe('memory');
    expect(second.headers['cache-control']).toBe('private, no-cache');
    await usher.http
      .get('/auth/me')
      .set(person.bearer)
      .set('if-none-match', second.headers.etag!)
      .expect(304);
  });

  it('profile update changes the given fields, keeps the others and clears null, at once', async () => {
    const person = await aUser(usher, { first_name: 'Grace', bio: 'Admiral', location: 'New York' });
    await usher.http.get('/auth/me').set(person.bearer).expect(200);
    const changed = await usher.http
      .put('/auth/profile')
      .set(person.bearer)
      .send({ first_name: 'G.', bio: null })
      .expect(200);
    expect(changed.body).toMatchObject({ first_name: 'G.', bio: null, location: 'New York' });
    const me = await usher.http.get('/auth/me').set(person.bearer).expect(200);
    expect(me.body).toEqual(changed.body);
  });

  it('password change ends every other session and keeps its own', async () => {
    const person = await aUser(usher);
    const login = await usher.http
      .post('/auth/login')
      .send({ identifier: person.email, password: PASSWORD })
      .expect(200);
    await usher.http
      .post('/auth/change-password')
      .set(person.bearer)
      .send({ current_password: PASSWORD, new_password: 'staple of the battery' })
      .expect(204);
    const refused = await usher.http.get('/auth/me').set(bearer(login.body.access_token)).expect(401);
    expect(refused.body.code).toBe('auth.token_revoked');
    await usher.http.get('/auth/me').set(person.bearer).expect(200);
    await usher.http.post('/auth/login').send({ identifier: person.email, password: PASSWORD }).expect(401);
  });

  it('closed account is deactivated even while its cache entry is warm', async () => {
    const person = await aUser(usher);
    await usher.http.get('/auth/me').set(person.bearer).expect(200);
    await usher.http.get('/auth/me').set(person.bearer).expect(200);
    await usher.http.delete('/auth/account').set(person.bearer).send({ password: PASSWORD }).expect(200);

    await usher.http.get('/auth/me').set(person.bearer).expect(401);
    await usher.http.post('/auth/login').send({ identifier: person.email, password: PASSWORD }).expect(401);
    const { rows } = await usher.database.query('SELECT is_active FROM users WHERE id = $1', [person.id]);
    expect(rows).toEqual([{ is_active: false }]);
  });
});
