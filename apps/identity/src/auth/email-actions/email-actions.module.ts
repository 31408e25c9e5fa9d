import { Module } from '@nestjs/common';
import { LinkAddresses } from './link-addresses.js';
import { MailDelivery } from './mail-delivery.js';
import { MailWriter } from './mail-writer.js';
import { EmailActionStore, Outbox } from '#accounts';

/** What is mailed to users, from the row that asks for it to the server that takes it. */
@Module({
  providers: [LinkAddresses, MailDelivery, EmailActionStore, MailWriter, Outbox],
  exports: [MailDelivery, EmailActionStore, Outbox],
})
export class EmailActionsModule {}
