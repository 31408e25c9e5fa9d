/** What a mail says, before it is text or HTML. */
export interface MailContent {
  readonly subject: string;
  /** Paragraphs. */
  readonly before: readonly string[];
  readonly link?: { readonly label: string; readonly url: string };
  readonly after: readonly string[];
  /** Who says so. */
  readonly signature: string;
}

export function asText({ before, link, after, signature }: MailContent): string {
  const paragraphs = ['Hello,', ...before, ...(link ? [link.url] : []), ...after, signature];
  return `${paragraphs.join('\n\n')}\n`;
}

/** Looks the same everywhere, because it has next to no looks: no images, nothing from elsewhere. */
export function asHtml({ subject, before, link, after, signature }: MailContent): string {
  const url = link && escapeHtml(link.url);
  const button =
    link &&
    `<p style="margin: 24px 0"><a href="${url}" style="background: #1d4ed8; color: #ffffff; padding: 12px 20px; border-radius: 6px; text-decoration: none">${escapeHtml(link.label)}</a></p>
<p style="color: #4b5563">If the button does nothing, open this address:<br>${url}</p>`;
  const body = [
    ...['Hello,', ...before].map(paragraph),
    ...(button ? [button] : []),
    ...[...after, signature].map(paragraph),
  ];
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(subject)}</title></head>
<body style="font: 16px/1.5 sans-serif; color: #111827; max-width: 560px; margin: 0 auto; padding: 24px">
${body.join('\n')}
</body>
</html>
`;
}

function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
