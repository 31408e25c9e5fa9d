import { escapeHtml } from '../mail-writer.js';
import { type LinkPurpose } from '#accounts';

interface Page {
  readonly title: string;
  readonly what: string;
  readonly button: string;
  readonly done: string;
  /** The call that uses the link. Relative, so that the page works behind a proxy's prefix. */
  readonly action: string;
  readonly asksPassword?: true;
}

const PAGES: Readonly<Record<LinkPurpose, Page>> = {
  verify_email: {
    title: 'Confirm your email address',
    what: 'One click, and your address is confirmed.',
    button: 'Confirm my address',
    done: 'Thank you. Your address is confirmed.',
    action: 'auth/verify-email',
  },
  reset_password: {
    title: 'Choose a new password',
    what: 'Setting it logs out every device. You then log in with the new password.',
    button: 'Set the password',
    done: 'Your new password is set. You can log in with it now.',
    action: 'auth/reset-password',
    asksPassword: true,
  },
  change_email: {
    title: 'Confirm your new email address',
    what: 'One click, and this address replaces the former one of your account.',
    button: 'Use this address',
    done: 'Your account now has this address. Log in with it from now on.',
    action: 'auth/confirm-email',
  },
};

const PASSWORD_FIELD = `
      <label for="password">New password</label>
      <input id="password" type="password" autocomplete="new-password" required minlength="8" aria-describedby="rule">
      <button id="reveal" type="button" class="quiet" aria-controls="password" aria-pressed="false">Show password</button>
      <p id="rule" class="hint">At least 8 characters. Several words are good.</p>`;

/**
 * Opening the page changes nothing, because mail scanners open links: it waits for a click. The server never sees the
 * token, which is in the fragment; only the script in the browser does.
 *
 * @param appUrl where to go afterwards; `undefined` without an application
 */
export function linkPage(purpose: LinkPurpose, appUrl: string | undefined): string {
  const { title, what, button, done, action, asksPassword } = PAGES[purpose];
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="robots" content="noindex">
    <title>${escapeHtml(title)}</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="link-page.css">
  </head>
  <body>
    <main>
      <h1>${escapeHtml(title)}</h1>
      <noscript><p>This page needs JavaScript, which reads the link from the address.</p></noscript>
      <form id="form" data-action="${action}" data-done="${escapeHtml(done)}" hidden>
      <p>${escapeHtml(what)}</p>${asksPassword ? PASSWORD_FIELD : ''}
      <button id="button" type="submit">${escapeHtml(button)}</button>
      </form>
      <p id="answer" role="status" tabindex="-1"></p>${appUrl === undefined ? '' : onwards(appUrl)}
    </main>
    <script src="link-page.js"></script>
  </body>
</html>
`;
}

function onwards(appUrl: string): string {
  return `
      <p id="onwards" hidden><a href="${escapeHtml(appUrl)}">Continue to ${escapeHtml(new URL(appUrl).host)}</a></p>`;
}
