import { activitySource } from './activity-source.js';
import { type ExportSource } from './export-source.js';
import { mailsSource } from './mails-source.js';
import { personalTokensSource } from './personal-tokens-source.js';
import { secondFactorSource } from './second-factor-source.js';
import { sessionsSource } from './sessions-source.js';
import { userSource } from './user-source.js';

/** Everything that is kept about a person, in the order of the document. */
export const exportSources: readonly ExportSource[] = [
  userSource,
  sessionsSource,
  secondFactorSource,
  personalTokensSource,
  mailsSource,
  activitySource,
];
