import { type MailSender } from '#config';
import { type DynamicModule, Inject, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { FileMailer } from './file-mailer.js';
import { Mailer } from './mailer.js';
import { SmtpMailer } from './smtp-mailer.js';

export interface MailOptions {
  /** `undefined`: mails are written to the directory. */
  smtpUrl: string | undefined;
  from: MailSender;
  /** Absolute. */
  directory: string;
  /** Warns when mails are not sent. */
  production: boolean;
}

/** `Mailer` for the whole application. Another way to send is another class, chosen here. */
@Module({})
export class MailModule implements OnApplicationShutdown {
  constructor(@Inject(Mailer) private readonly mailer: Mailer) {}

  static forRoot(options: MailOptions): DynamicModule {
    return {
      module: MailModule,
      global: true,
      providers: [{ provide: Mailer, useFactory: () => mailerOf(options) }],
      exports: [Mailer],
    };
  }

  onApplicationShutdown(): void {
    this.mailer.close();
  }
}

function mailerOf({ smtpUrl, from, directory, production }: MailOptions): Mailer {
  if (smtpUrl !== undefined) return new SmtpMailer(smtpUrl, from);
  if (production) {
    new Logger('Mail').warn(`SMTP_URL is not set: mails are written to ${directory} and not sent.`);
  }
  return new FileMailer(directory, from);
}
