/** A separate file, because the policy allows no inline script. */
export const LINK_SCRIPT = `'use strict';
const form = document.getElementById('form');
const button = document.getElementById('button');
const password = document.getElementById('password');
const reveal = document.getElementById('reveal');
const answer = document.getElementById('answer');
const onwards = document.getElementById('onwards');
const token = new URLSearchParams(location.hash.slice(1)).get('token');

// Removes the token from the address bar and the history.
if (token) history.replaceState(null, '', location.pathname);
if (token) form.hidden = false;
else say('This link is not complete. Please open the whole address from the mail.', true);

if (reveal) reveal.addEventListener('click', () => show(password.type === 'password'));

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  button.disabled = true;
  if (password) show(false); // or the browser would save it as ordinary text
  say('One moment …');
  try {
    const response = await fetch(form.dataset.action, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(password ? { token, new_password: password.value } : { token }),
    });
    if (response.ok) {
      finish(form.dataset.done);
    } else {
      const { code, detail, errors } = await response.json();
      if (code === 'auth.already_verified') return finish(detail);
      say(errors ? errors.map(({ msg }) => msg.replace(/[.]$/, '') + '.').join(' ') : detail, true);
      if (password) password.focus();
    }
  } catch {
    say('That did not work. Please try again in a moment.', true);
  }
  button.disabled = false;
});

function show(inPlainSight) {
  password.type = inPlainSight ? 'text' : 'password';
  reveal.textContent = inPlainSight ? 'Hide password' : 'Show password';
  reveal.setAttribute('aria-pressed', String(inPlainSight));
}

function finish(text) {
  form.hidden = true;
  say(text);
  if (onwards) onwards.hidden = false;
  answer.focus();
}

function say(text, isError = false) {
  answer.textContent = text;
  answer.className = isError ? 'fault' : '';
}
`;

export const LINK_STYLES = `:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; padding: 1.5rem; background: Canvas; color: CanvasText }
main { max-width: 26rem; margin: 10vh auto 0 }
h1 { font-size: 1.5rem; line-height: 1.25 }
label, input { display: block; width: 100%; box-sizing: border-box }
input { font: inherit; padding: .6rem; margin-top: .25rem; border: 1px solid GrayText; border-radius: .4rem }
.hint { margin: .25rem 0 1rem; font-size: .875rem }
button { font: inherit; padding: .6rem 1.2rem; border: 0; border-radius: .4rem; background: #1d4ed8; color: #fff; cursor: pointer }
.quiet { padding: .25rem 0; background: none; color: LinkText; text-decoration: underline }
button:disabled { opacity: .6; cursor: default }
:focus-visible { outline: 3px solid #60a5fa; outline-offset: 2px }
[hidden] { display: none }
.fault { color: #b91c1c; font-weight: 600 }
@media (prefers-color-scheme: dark) { .fault { color: #fca5a5 } }
`;
