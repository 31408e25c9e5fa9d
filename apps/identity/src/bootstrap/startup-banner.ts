import { type Settings } from '#config';
import { UserStore } from '#accounts';
import { Logger } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import path from 'node:path';
import process from 'node:process';

const EXAMPLE_EMAIL = 'ada@example.com';

/**
 * Says where this instance listens and which database it serves from: in a few lines with a command to try for the
 * developer at the terminal, in a line of the log elsewhere.
 */
export async function printStartupBanner(
  app: NestFastifyApplication,
  settings: Settings,
  database: string,
): Promise<void> {
  const url = await app.getUrl();
  if (settings.nodeEnv !== 'development') return new Logger('Start').log(`${url} serves from ${database}`);
  // From an earlier start: registering again would be a conflict.
  const exampleExists = await app
    .get(UserStore)
    .credentials('email', EXAMPLE_EMAIL)
    .then((found) => found !== null)
    .catch(() => false);
  process.stdout.write(bannerText(settings, url, database, exampleExists));
}

function bannerText(settings: Settings, url: string, database: string, exampleExists: boolean): string {
  const cache = settings.redisUrl === undefined ? 'memory (set REDIS_URL to share it)' : 'memory and Redis';
  const [sentence, call] = exampleExists
    ? [`A token for ${EXAMPLE_EMAIL}, whom an earlier start registered:`, '/auth/login']
    : ['A first token; later ones come from /auth/login, asked in the same way:', '/auth/register'];
  return `
  Usher is ready at ${url}

    Try it     ${settings.docs ? `${url}/docs` : 'DOCS=off'}
    Database   ${relative(database)}
    Cache      ${cache}
    Mails      ${settings.smtpUrl === undefined ? `files in ${relative(path.join(settings.dataDir, 'mail'))}` : 'by SMTP'}

  ${sentence}

    curl -s ${url}${call} -H 'content-type: application/json' \\
      -d '{"email": "${EXAMPLE_EMAIL}", "password": "correct horse battery"}'

`;
}

/** Shorter, for the person at the terminal. */
function relative(text: string): string {
  return text.replace(`${process.cwd()}${path.sep}`, '');
}
