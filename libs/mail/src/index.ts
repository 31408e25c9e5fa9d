export { FileMailer } from './file-mailer.js';
export { MailModule, type MailOptions } from './mail.module.js';
export { type Mail, Mailer, MailRefused, MailUnavailable } from './mailer.js';
export { SmtpMailer, type SmtpPatience } from './smtp-mailer.js';
