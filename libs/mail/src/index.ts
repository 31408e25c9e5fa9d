export { FileMailer } from './file-mailer.js';
export { MailRefused, MailUnavailable } from './mail-errors.js';
export { MailModule, type MailOptions } from './mail.module.js';
export { type Mail, Mailer } from './mailer.js';
export { SmtpMailer, type SmtpPatience } from './smtp-mailer.js';
