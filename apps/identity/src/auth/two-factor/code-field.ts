/** Six digits of an authenticator app, or a recovery code; dashes and spaces do not matter. */
export const CODE = {
  min: 1,
  max: 64,
  description: 'What the authenticator app shows, or a recovery code.',
  example: '287082',
} as const;
