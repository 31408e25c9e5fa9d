import { type Settings } from '#config';
import { CredentialStore } from '#accounts';
import { Logger } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import path from 'node:path';
import process from 'node:process';

const EXAMPLE_EMAIL = 'ada@example.com';

/**
 * Reports where this instance listens and which database it uses: in development a few lines with a command to try,
 * elsewhere one line in the log.
 */
export async function printStartupBanner(
  app: NestFastifyApplication,
  settings: Settings,
  database: string,
): Promise<void> {
  const url = await app.getUrl();
  if (settings.nodeEnv !== 'development') return new Logger('Start').log(`${url} serves from ${database}`);
  // Registered in an earlier start: registering it again would be a conflict.
  const exampleExists = await app
    .get(CredentialStore)
    .find('email', EXAMPLE_EMAIL)
    .then((found) => found !== null)
    .catch(() => false);
  process.stdout.write(bannerText(settings, url, database, exampleExists));
}

function bannerText(settings: Settings, url: string, database: string, exampleExists: boolean): string {
  const cache =
    settings.redisUrl === undefined
      ? 'memory (set REDIS_URL to share it between instances)'
      : 'memory and Redis';
  const [sentence, call] = exampleExists
    ? [`Log in as ${EXAMPLE_EMAIL}, registered in an earlier start:`, '/auth/login']
    : ['Register a first user and get a token (later: /auth/login, with the same body):', '/auth/register'];
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

/** Paths relative to the working directory. */
function relative(text: string): string {
  return text.replace(`${process.cwd()}${path.sep}`, '');
}
