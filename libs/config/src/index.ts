export { withoutSecrets } from './connection-url.js';
export { Settings, type NodeEnv, type LogLevel, type TrustProxy } from './settings.js';
export { type MailSender } from './mail-sender.js';
export { SERVICE_PRIVILEGES, type ServicePrivilege, type ServiceToken } from './service-tokens.js';
export { readSettings } from './read-settings.js';
export { InvalidSettings } from './invalid-settings.js';
export { settingsTable, type SettingsTableRow } from './settings-table.js';
export { loadDotEnv } from './dot-env.js';
export { misspeltNames } from './misspelt-names.js';
