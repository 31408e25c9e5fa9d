import { type Settings } from '#config';
import path from 'node:path';

/** The few lines a start prints: where to look, and the one command that gets a first token. */
export function welcome(settings: Settings, url: string, database: string): string {
  if (settings.nodeEnv !== 'development') return '';
  const cache = settings.redisUrl === undefined ? 'memory (set REDIS_URL to share it)' : 'memory and Redis';
  return `
  Usher is ready at ${url}

    Try it     ${settings.docs ? `${url}/docs` : 'DOCS=off'}
    Database   ${relative(database)}
    Cache      ${cache}
    Mails      ${settings.smtpUrl === undefined ? `files in ${relative(path.join(settings.dataDir, 'mail'))}` : 'by SMTP'}

  A first token; later ones come from /auth/login, asked in the same way:

    curl -s ${url}/auth/register -H 'content-type: application/json' \\
      -d '{"email": "ada@example.com", "password": "correct horse battery"}'

`;
}

/** Shorter, for whoever is there. */
function relative(text: string): string {
  return text.replace(`${process.cwd()}${path.sep}`, '');
}
