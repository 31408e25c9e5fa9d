import { type Settings } from '#config';

/** What this room reads of the settings; a test gives just these. */
export type HttpSettings = Pick<
  Settings,
  'nodeEnv' | 'trustProxy' | 'logLevel' | 'logAddresses' | 'docs' | 'corsOrigins'
>;
