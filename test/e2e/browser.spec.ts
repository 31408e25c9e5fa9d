import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, type Page } from 'playwright-core';
import { openBrowser } from '../support/browser/open-browser.js';
import { PageServer } from '../support/browser/page-server.js';
import { MailServer, tokenIn } from '../support/mail/mail-server.js';
import { aUser, PASSWORD, type TestUser } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { TestApp } from '../support/app/test-app.js';

/** On a clean machine the browser is installed first. */
const INSTALLATION_MS = 600_000;
const APP_URL = 'https://app.example.com/account';
const VERIFY = /^Confirm your email address$/;

interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

interface Answer {
  status: number;
  body: Record<string, unknown> | null;
  headers: Record<string, string>;
}

describe('browser', () => {
  let browser: Browser;
  let database: TestDatabase;
  let smtp: MailServer;
  let listed: PageServer;
  let stranger: PageServer;
  let usher: TestApp;
  /** Two logins a minute. */
  let strict: TestApp;
  let person: TestUser;
  const pages: Page[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
    database = await createTestDatabase();
    [smtp, listed, stranger] = await Promise.all([
      MailServer.start(),
      PageServer.start(),
      PageServer.start(),
    ]);
    const env = { CORS_ORIGINS: listed.origin, SMTP_URL: smtp.url, APP_URL };
    usher = await TestApp.start({ database, env });
    strict = await TestApp.start({ database, env: { ...env, RATE_LIMIT_FACTOR: '0.02' } });
    person = await aUser(usher);
  }, INSTALLATION_MS);

  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.context().close()));
  });

  afterAll(async () => {
    await browser.close();
    await Promise.all([usher.stop(), strict.stop()]);
    await Promise.all([smtp.stop(), listed.stop(), stranger.stop()]);
    await database.drop();
  });

  /** A page of a person who has never been here: no cookies, no cache. */
  async function openPage(url: string): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    pages.push(page);
    page.setDefaultTimeout(15_000);
    await page.goto(url);
    return page;
  }

  /** What a script of the page can see of an answer; it rejects where that is nothing. */
  function ask(page: Page, url: string, init: Asked = {}): Promise<Answer> {
    return page.evaluate(
      async ([url, init]) => {
        const response = await fetch(url, init);
        const text = await response.text();
        return {
          status: response.status,
          body: text ? (JSON.parse(text) as Record<string, unknown>) : null,
          headers: Object.fromEntries(response.headers),
        };
      },
      [url, init] as const,
    );
  }

  const json = (body: object): Asked => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

  describe('page of a listed origin', () => {
    it('page of a listed origin logs in, reads /auth/me and revalidates it', async () => {
      const page = await openPage(listed.origin);
      const login = await ask(
        page,
        `${usher.url}/auth/login`,
        json({ identifier: person.email, password: PASSWORD }),
      );
      expect(login.status).toBe(200);
      const authorization = `Bearer ${login.body!.access_token as string}`;

      const me = await ask(page, `${usher.url}/auth/me`, { headers: { authorization } });
      expect([me.status, me.body!.email]).toEqual([200, person.email]);
      expect(me.headers['x-cache']).toMatch(/^(memory|postgres)$/);
      expect(me.headers['x-request-id']).toBeDefined();

      const again = await ask(page, `${usher.url}/auth/me`, {
        headers: { authorization, 'if-none-match': me.headers.etag! },
      });
      expect([again.status, again.body, again.headers['x-cache']]).toEqual([304, null, 'memory']);
    });

    it('page of a listed origin reads errors: bad token, unknown path, large body, too many logins', async () => {
      const page = await openPage(listed.origin);
      const revoked = await ask(page, `${usher.url}/auth/me`, { headers: { authorization: 'Bearer x' } });
      expect([revoked.status, revoked.body!.code]).toEqual([401, 'auth.invalid_token']);
      expect(revoked.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/);
      expect((await ask(page, `${usher.url}/nowhere`, { method: 'PATCH' })).status).toBe(404);
      expect((await ask(page, `${usher.url}/%`)).status).toBe(400);
      const large = await ask(page, `${usher.url}/auth/login`, json({ identifier: 'x'.repeat(110_000) }));
      expect([large.status, large.body!.code]).toEqual([413, 'request.too_large']);

      const login = (): Promise<Answer> =>
        ask(page, `${strict.url}/auth/login`, json({ identifier: person.email, password: PASSWORD }));
      expect([(await login()).status, (await login()).status]).toEqual([200, 200]);
      const refused = await login();
      expect([refused.status, refused.body!.code]).toEqual([429, 'request.rate_limited']);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(refused.headers.ratelimit).toMatch(/^"login";r=0/);
    });
  });

  it('page of another origin reads no answer, with or without a token', async () => {
    const page = await openPage(stranger.origin);
    await expect(ask(page, `${usher.url}/auth/me`, { headers: { ...person.bearer } })).rejects.toThrow(
      'Failed to fetch',
    );
    await expect(ask(page, `${usher.url}/.well-known/jwks.json`)).rejects.toThrow('Failed to fetch');
    // A sandboxed frame's origin is `null`.
    await page.goto(`data:text/html,<title>null</title>`);
    await expect(ask(page, `${usher.url}/.well-known/jwks.json`)).rejects.toThrow('Failed to fetch');
  });

  it('/docs asks for username and password only, and calls with the token', async () => {
    const page = await openPage(`${usher.url}/docs`);
    await page.locator('button.authorize').first().click();
    const dialog = page.locator('.dialog-ux');
    await dialog.locator('h4').first().waitFor();
    expect(await dialog.locator('h4').first().innerText()).toMatch(/^password\b/);
    const name = dialog.locator('#oauth_username');
    expect(await dialog.locator('#oauth_username:focus').count()).toBe(1);
    expect(await dialog.locator('.modal-ux-content').evaluate((content) => content.scrollTop)).toBe(0);
    expect(await dialog.innerText()).not.toMatch(/scopes/i);

    await name.fill(person.email);
    await dialog.locator('#oauth_password').fill(PASSWORD);
    await dialog.locator('button.authorize').first().click();
    await dialog.getByText('Authorized').first().waitFor();
    await dialog.locator('.btn-done').first().click();

    const operation = page.locator('.opblock', { has: page.locator('[data-path="/auth/me"]') });
    await operation.locator('.opblock-summary-control').click();
    await operation.locator('button.execute').click();
    const answer = operation.locator('.live-responses-table .response');
    await answer.waitFor();
    expect(await answer.innerText()).toContain(person.email);
    expect(await answer.locator('.response-col_status').innerText()).toMatch(/^200/);
  });

  describe('link page', () => {
    const goTo = (path: string, token: string): Promise<Page> =>
      openPage(`${usher.url}/${path}#token=${token}`);

    it('link page sets a password that can be shown, and links to the application', async () => {
      const { email } = await aUser(usher);
      const verify = tokenIn(await smtp.next(email, VERIFY), APP_URL, 'verify-email');
      await usher.http.post('/auth/forgot-password').send({ email }).expect(202);
      const reset = tokenIn(await smtp.next(email, /^Choose a new password$/), APP_URL, 'reset-password');

      const page = await goTo('reset-password', reset);
      expect(page.url()).toBe(`${usher.url}/reset-password`);
      const password = page.getByLabel('New password');
      await password.fill('staple of the battery');
      const onwards = page.getByRole('link');
      expect([await password.getAttribute('type'), await onwards.count()]).toEqual(['password', 0]);
      await page.getByRole('button', { name: 'Show password' }).click();
      expect(await password.getAttribute('type')).toBe('text');
      await page.getByRole('button', { name: 'Hide password' }).click();
      expect(await password.getAttribute('type')).toBe('password');
      await page.getByRole('button', { name: 'Show password' }).click();

      await page.getByRole('button', { name: 'Set the password' }).click();
      await page.getByText('Your new password is set.').waitFor();
      expect(await password.getAttribute('type')).toBe('password');
      expect([await onwards.innerText(), await onwards.getAttribute('href')]).toEqual([
        'Continue to app.example.com',
        APP_URL,
      ]);

      // The reset has proved that the address is theirs.
      const verified = await goTo('verify-email', verify);
      await verified.getByRole('button', { name: 'Confirm my address' }).click();
      await verified.getByText('This address is already verified.').waitFor();
      expect(await verified.getByRole('link').getAttribute('href')).toBe(APP_URL);
      expect(await verified.getByRole('button').count()).toBe(0);
    });

    it('link page has no onward link until it has worked', async () => {
      const page = await goTo('verify-email', 'A'.repeat(43));
      await page.getByRole('button', { name: 'Confirm my address' }).click();
      await page.getByText('This link is not valid').waitFor();
      expect(await page.getByRole('link').count()).toBe(0);
    });
  });
});
