import { Module } from '@nestjs/common';
import { LinkAddresses } from './link-addresses.js';
import { MailDelivery } from './mail-delivery.js';
import { MailWriter } from './mail-writer.js';
import { EmailActionStore, Outbox } from '#accounts';

/** Mails to users, from the outbox to the mail server. */
@Module({
  providers: [LinkAddresses, MailDelivery, EmailActionStore, MailWriter, Outbox],
  exports: [MailDelivery, EmailActionStore, Outbox],
})
export class EmailActionsModule {}
